import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, fakeCredentials, story, World } from '../../test/story.ts'
import { PrivateKey } from '../seal/private-key.ts'
import { sql } from '../storage/db.ts'
import type { StreamError } from '../xmpp/error.ts'
import type { Account } from './account.ts'
import type { AccountKeys } from './account-keys.ts'
import { silentLog } from './log.ts'

const STORE = 99

const keysOf = (world: World, name: string): AccountKeys => world.host.keys.of(accountOf(world, name))!
const accountOf = (world: World, name: string): Account => world.host.accounts.of(name)

/** Something is kept for the account. */
async function keeps(world: World, name: string, text: string): Promise<void> {
  await world.host.documents.write(accountOf(world, name), STORE, Buffer.from(text))
}

async function reads(world: World, name: string): Promise<string | undefined> {
  return (await world.host.documents.read(accountOf(world, name), STORE))?.toString()
}

/** What nobody can get at, since no client of the account is connected. */
async function isLocked(world: World, name: string): Promise<void> {
  assert.equal(keysOf(world, name).isOpen, false)
  assert.equal(keysOf(world, name).keyOf(), undefined)
  await assert.rejects(world.host.documents.read(accountOf(world, name), STORE), { condition: 'not-allowed' })
}

story('what is kept for an account opens with its login, and is locked when its last client has gone', async world => {
  const phone = await world.connect('juliet', 'phone')
  await keeps(world, 'juliet', 'the vault')
  const tablet = await world.connect('juliet', 'tablet')
  await phone.leaves()
  assert.equal(await reads(world, 'juliet'), 'the vault')
  const key = keysOf(world, 'juliet').keyOf()!.bytes
  await tablet.leaves()
  assert.deepEqual(key, Buffer.alloc(32))
  await isLocked(world, 'juliet')
  await world.connect('juliet')
  assert.equal(await reads(world, 'juliet'), 'the vault')
})

story('things can be kept for who is away, and read when she is back', async world => {
  await (await world.connect('juliet')).leaves()
  await keeps(world, 'juliet', 'from Friar John')
  await isLocked(world, 'juliet')
  await world.connect('juliet')
  assert.equal(await reads(world, 'juliet'), 'from Friar John')
})

story('a restart locks all, and no login but the right one opens it', async world => {
  await world.connect('juliet')
  await keeps(world, 'juliet', 'the vault')
  world.restarts()
  await accountOf(world, 'juliet').turn.take(() => {})
  await isLocked(world, 'juliet')
  await world.connect('juliet', 'phone', 'a guess')
  await isLocked(world, 'juliet')
  await world.connect('juliet', 'tablet')
  assert.equal(await reads(world, 'juliet'), 'the vault')
})

story('a client that asks for a new password goes on reading, and so does whoever logs in with it', async world => {
  const juliet = await world.connect('juliet')
  await keeps(world, 'juliet', 'the vault')
  const former = keysOf(world, 'juliet').keyOf(1)!.bytes.toString('hex')
  await changes(world, juliet, 'wherefore art thou')
  assert.equal(keysOf(world, 'juliet').generation, 2)
  assert.equal(await reads(world, 'juliet'), 'the vault')
  assert.equal(keysOf(world, 'juliet').keyOf(1)!.bytes.toString('hex'), former)
  await juliet.leaves()
  await world.connect('juliet', 'phone', 'pencil')
  await isLocked(world, 'juliet')
  await world.connect('juliet', 'tablet', 'wherefore art thou')
  assert.equal(await reads(world, 'juliet'), 'the vault')
  assert.equal(keysOf(world, 'juliet').keyOf(1)!.bytes.toString('hex'), former)
})

story('a stolen database and the old password do not open what is kept after a new one', async world => {
  const juliet = await world.connect('juliet')
  const [stolen] = await world.store.all<{ wrap: Uint8Array }>(sql`SELECT wrap FROM credential WHERE account = 'juliet'`)
  await changes(world, juliet, 'wherefore art thou')
  await keeps(world, 'juliet', 'the vault')
  await juliet.leaves()
  const [{ clientKey }] = (await fakeCredentials('juliet', 'pencil')) as [Awaited<ReturnType<typeof fakeCredentials>>[number]]
  await world.host.authenticated('juliet', { kind: 'password', hash: 'SHA-256', clientKey, wrap: Buffer.from(stolen!.wrap) })
  await isLocked(world, 'juliet')
  assert.deepEqual(clientKey.bytes, Buffer.alloc(32))
})

story('after many new passwords the keys of all are there', async world => {
  let juliet = await world.connect('juliet')
  const all = [keysOf(world, 'juliet').keyOf()!.bytes.toString('hex')]
  for (const password of ['one', 'two', 'three']) {
    await changes(world, juliet, password)
    all.push(keysOf(world, 'juliet').keyOf()!.bytes.toString('hex'))
    await juliet.leaves()
    juliet = await world.connect('juliet', 'phone', password)
  }
  assert.deepEqual(
    [1, 2, 3, 4].map(generation => keysOf(world, 'juliet').keyOf(generation)!.bytes.toString('hex')),
    all,
  )
})

story('a password that the operator gives opens nothing of before, and the owner is told', async world => {
  const juliet = await world.connect('juliet')
  await keeps(world, 'juliet', 'the vault')
  const { id } = keysOf(world, 'juliet')
  const secret = world.shred.account(id)!.archive.toString('hex')
  assert.deepEqual(await world.host.life.resetPassword('juliet', 'new'), { isLost: true })
  await world.settled()
  assert.equal((juliet.ended as StreamError).condition, 'reset')
  assert.notEqual(world.shred.account(id)!.archive.toString('hex'), secret)
  await world.connect('juliet', 'phone', 'pencil')
  assert.equal(keysOf(world, 'juliet').isOpen, false)
  const back = await world.connect('juliet', 'tablet', 'new')
  assert.equal(await reads(world, 'juliet'), undefined)
  await back.sends('<presence/>')
  assert.match(told(back), /nobody can read it any more/)
})

story('who has written a recovery code down gets back what a reset has locked', async world => {
  const juliet = await world.connect('juliet')
  await changes(world, juliet, 'other')
  await keeps(world, 'juliet', 'the vault')
  const { id } = keysOf(world, 'juliet')
  const secret = world.shred.account(id)!.archive.toString('hex')
  const code = await makesCode(juliet)
  assert.deepEqual(await world.host.life.resetPassword('juliet', 'new'), { isLost: false })
  assert.equal(world.shred.account(id)!.archive.toString('hex'), secret)
  const back = await world.connect('juliet', 'tablet', 'new')
  assert.equal(await reads(world, 'juliet'), undefined)
  await back.sends('<presence/>')
  assert.match(told(back), /Your recovery code opens it/)
  assert.match(await uses(back, `${code.slice(0, -1)}${code.endsWith('A') ? 'E' : 'A'}`), /opens nothing/)
  assert.match(await uses(back, code.toLowerCase().replaceAll('-', ' ')), /can be read again/)
  assert.equal(await reads(world, 'juliet'), 'the vault')
  assert.match(await uses(back, code), /opens nothing/)
  await back.leaves()
  await world.connect('juliet', 'laptop', 'new')
  assert.equal(await reads(world, 'juliet'), 'the vault')
  assert.ok(keysOf(world, 'juliet').keyOf(1), 'the key before the first change is there too')
})

story('a new code makes the former one worthless, and a new password both', async world => {
  const juliet = await world.online('juliet')
  const former = await makesCode(juliet)
  const code = await makesCode(juliet)
  await world.host.life.resetPassword('juliet', 'new')
  const back = await world.connect('juliet', 'tablet', 'new')
  assert.match(await uses(back, former), /opens nothing/)
  assert.match(await uses(back, code), /can be read again/)
  await makesCode(back)
  await back.sends('<presence/>')
  back.forget()
  await changes(world, back, 'newer')
  assert.match(told(back), /your recovery code has become worthless/)
  assert.deepEqual(await world.host.life.resetPassword('juliet', 'newest'), { isLost: true })
})

story('of an account that is removed no secret is left, even if the server falls in between', async world => {
  await world.connect('juliet')
  const { id } = keysOf(world, 'juliet')
  const { removeAccount } = world.shred
  world.shred.removeAccount = () => Promise.reject(new Error('the power went'))
  await assert.rejects(world.host.life.remove('juliet'))
  world.shred.removeAccount = removeAccount
  world.restarts()
  await world.host.keys.shredDoomed()
  assert.equal(world.shred.account(id), undefined)
  for (const table of [sql`account_key`, sql`sealed_document`, sql`doomed_secret`])
    assert.deepEqual(await world.store.all(sql`SELECT * FROM ${table}`), [], table.sql)
})

test('whoever puts his own public key on the disk is found out when something is to be read', async () => {
  const faults: string[] = []
  await using world = await World.open({ log: { ...silentLog, fault: event => void faults.push(event) } })
  await (await world.connect('juliet')).leaves()
  await keeps(world, 'juliet', 'the vault')
  await world.store.run(sql`UPDATE account SET public_key = ${PrivateKey.generate().publicKey}`)
  world.restarts()
  const juliet = await world.connect('juliet')
  assert.equal(await reads(world, 'juliet'), 'the vault')
  assert.deepEqual(faults, ['seal.forged'])
  await world.settled()
  // It is put right: nothing more is sealed to the other one.
  await keeps(world, 'juliet', 'the other vault')
  await juliet.leaves()
  world.restarts()
  await world.connect('juliet')
  assert.equal(await reads(world, 'juliet'), 'the other vault')
  assert.deepEqual(faults, ['seal.forged'])
})

test('nor is anything sealed to a key that the one of its owner does not open', async () => {
  await using world = await World.open({})
  await (await world.connect('juliet')).leaves()
  const thief = PrivateKey.generate()
  await world.store.run(sql`UPDATE account SET public_key = ${thief.publicKey}`)
  world.restarts()
  await world.connect('juliet')
  assert.equal(keysOf(world, 'juliet').publicKey.equals(thief.publicKey), false)
})

story('a password that changes while its owner leaves opens nothing for those who are not there', async world => {
  const juliet = await world.connect('juliet')
  await keeps(world, 'juliet', 'the vault')
  const { store } = world.host
  const { replaceCredentials } = store
  store.replaceCredentials = async (...parameters) => {
    const isReplaced = await replaceCredentials.apply(store, parameters)
    juliet.keys!.release()
    return isReplaced
  }
  await changes(world, juliet, 'other')
  assert.equal(keysOf(world, 'juliet').isOpen, false)
  await world.connect('juliet', 'tablet', 'other')
  assert.equal(await reads(world, 'juliet'), 'the vault')
})

story('a recovery code is good after the owner has chosen another password than the operator gave', async world => {
  const juliet = await world.connect('juliet')
  await keeps(world, 'juliet', 'the vault')
  const code = await makesCode(juliet)
  await world.host.life.resetPassword('juliet', 'from the operator')
  const back = await world.connect('juliet', 'tablet', 'from the operator')
  await changes(world, back, 'her own')
  assert.match(await uses(back, code), /can be read again/)
  assert.equal(await reads(world, 'juliet'), 'the vault')
})

story('two who shred at a time destroy each secret once, and nothing that came since', async world => {
  const juliet = await world.connect('juliet')
  const romeo = await world.connect('romeo')
  const secret = (name: string): string => world.shred.account(keysOf(world, name).id)!.archive.toString('hex')
  const { replaceAccount } = world.shred
  let replaced = 0
  world.shred.replaceAccount = async (...parameters) => {
    replaced++
    await new Promise(resolve => setTimeout(resolve, 5))
    await replaceAccount.apply(world.shred, parameters)
  }
  const shredOf = ({ session }: Client) => world.host.keys.shredAll(session.account, async () => {})
  const before = [secret('juliet'), secret('romeo')]
  await Promise.all([shredOf(juliet), shredOf(romeo)])
  assert.equal(replaced, 2)
  const after = [secret('juliet'), secret('romeo')]
  for (const i of [0, 1]) assert.notEqual(after[i], before[i])
  await world.host.keys.shredDoomed()
  assert.deepEqual([secret('juliet'), secret('romeo')], after)
})

story('nothing new is sealed with a secret from the moment on that it is to go', async world => {
  await world.connect('juliet')
  const { host, store } = world
  const account = host.accounts.of('juliet')
  const removing = store.tx(async db => {
    const written = host.keys.remove(account, db)
    assert.equal(host.keys.of(account)!.isDoomed, true)
    await written
    throw new Error('it was not to be')
  })
  await assert.rejects(removing, /not to be/)
})

story('a secret that was to go, and has gone with its file, keeps nobody from starting', async world => {
  const juliet = await world.connect('juliet')
  const { id } = keysOf(world, 'juliet')
  world.shred.replaceAccount = () => Promise.reject(new Error('the power went'))
  await assert.rejects(world.host.keys.shredAll(juliet.session.account, async () => {}))
  await world.shred.removeAccount(id)
  world.restarts()
  await world.host.keys.shredDoomed()
  await world.connect('juliet')
  const secret = world.shred.account(id)!.archive.toString('hex')
  await world.host.keys.shredDoomed()
  assert.equal(world.shred.account(id)!.archive.toString('hex'), secret)
})

test('an account whose keys could not be read is not removed, as what is kept for it would be left behind', async () => {
  await using world = await World.open({})
  await (await world.connect('juliet')).leaves()
  world.restarts()
  const all = world.store.all
  world.store.all = (() => Promise.reject(Object.assign(new Error('busy'), { name: 'StorageError' }))) as typeof all
  await assert.rejects(world.host.life.remove('juliet'), { condition: 'resource-constraint' })
  world.store.all = all
  assert.equal(await world.host.life.remove('juliet'), true)
})

story('an account from before there were keys gets one with its first login', async world => {
  await (await world.connect('juliet')).leaves()
  await world.store.run(sql`UPDATE account SET number = NULL, seal_id = NULL, generation = NULL, public_key = NULL`)
  await world.store.run(sql`UPDATE credential SET wrap = NULL`)
  world.restarts()
  await accountOf(world, 'juliet').turn.take(() => {})
  assert.equal(world.host.keys.of(accountOf(world, 'juliet')), undefined)
  await keeps(world, 'juliet', 'lost')
  const juliet = await world.connect('juliet')
  await keeps(world, 'juliet', 'the vault')
  await juliet.leaves()
  await isLocked(world, 'juliet')
  world.restarts()
  await world.connect('juliet')
  assert.equal(await reads(world, 'juliet'), 'the vault')
})

story('an account whose secrets were lost with their file goes on with new ones', async world => {
  const juliet = await world.connect('juliet')
  const { id } = keysOf(world, 'juliet')
  await juliet.leaves()
  await world.shred.removeAccount(id)
  world.restarts()
  await world.connect('juliet')
  assert.ok(world.shred.account(id))
})

story('two new passwords at a time: one of them it is', async world => {
  const juliet = await world.connect('juliet')
  const { session } = juliet
  const change = (password: string) => world.host.life.changePassword(session.account, password, session.jid)
  const [one, other] = await Promise.allSettled([change('one'), change('other')])
  assert.deepEqual([one.status, other.status].sort(), ['fulfilled', 'rejected'])
  await keeps(world, 'juliet', 'the vault')
  await juliet.leaves()
  await world.connect('juliet', 'phone', one.status === 'fulfilled' ? 'one' : 'other')
  assert.equal(await reads(world, 'juliet'), 'the vault')
})

story('a reset of an account that does not exist is none', async world => {
  assert.equal(await world.host.life.resetPassword('nobody', 'new'), undefined)
})

async function changes(world: World, { session }: Client, password: string): Promise<void> {
  await world.host.life.changePassword(session.account, password, session.jid)
  await world.settled()
}

/** What the server has written to the user. */
function told(client: Client): string {
  const message = client.unread.splice(0).find(({ name }) => name === 'message')
  assert.equal(message?.attrs['from'], 'here.example')
  return message!.elements().find(({ name }) => name === 'body')!.text
}

async function makesCode(client: Client): Promise<string> {
  return /code is (\S+)/.exec(await runs(client, 'recovery-code', ''))![1]!
}

const uses = (client: Client, code: string): Promise<string> => runs(client, 'recover', `<field var="code"><value>${code}</value></field>`)

/** Runs a command of one form; gives the note at its end. */
async function runs(client: Client, node: string, fields: string): Promise<string> {
  client.forget()
  const command = 'command xmlns="http://jabber.org/protocol/commands"'
  await client.sends(`<iq type="set" id="c1"><${command} node="${node}"/></iq>`)
  const { sessionid } = client.receives('<iq type="result" id="c1"/>').first()!.attrs
  const form = `<x xmlns="jabber:x:data" type="submit">${fields}</x>`
  await client.sends(`<iq type="set" id="c2"><${command} node="${node}" sessionid="${sessionid}">${form}</command></iq>`)
  return client.receives('<iq type="result" id="c2"/>').first()!.first()!.text
}

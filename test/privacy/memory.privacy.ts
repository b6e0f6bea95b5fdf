import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { runCommand, xml } from '../canary/day.ts'
import { Mint, type Sighting } from '../canary/mint.ts'
import { Client, type Login } from '../faults/client.ts'
import { PASSWORD, Server } from '../faults/server.ts'
import { Browser } from './browser.ts'
import { locksOf } from './forensics.ts'
import { memoryOf } from './memory.ts'
import type { Needles } from './needles.ts'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']
const PING = '<ping xmlns="urn:xmpp:ping"/>'
/** How long after the last logout nothing may be left, in ms. */
const SOON = 60_000

test('T-MEM: a minute after their logout, nothing is left of what users have shown and written', async t => {
  await using server = await Server.make({ settings: 'sha1 = true\nplain = true\n' })
  const mint = new Mint(false)
  const password = { alice: mint.word('password', 'alice'), bob: mint.word('password', 'bob') }
  for (const who of ['alice', 'bob'] as const) server.command(['user', 'add', `${who}@localhost`], `${password[who]}\n`)
  await server.addAccounts(['carol', 'dave'])
  await server.start()
  const others = await chatter(server)

  for (const mechanism of MECHANISMS) await talk(mechanism)
  await fail()
  await keep()
  await browse()
  await changePassword()
  const locks = locksOf({ database: join(server.data, 'localhost.sqlite'), passwords: Object.values(password) })
  assert.equal(locks.filter(({ account }) => account === 'alice' || account === 'bob').length, 6, 'three hashes each')
  for (const { account, hash, clientKey, wrap, info, key } of locks) {
    mint.known('account key', key.bytes, account)
    mint.known('key of a login', clientKey, `${account}, ${hash}`)
    const ikm = Buffer.concat([Buffer.from([0, clientKey.length]), clientKey, Buffer.from([0, 0])])
    mint.known('key of a lock', Buffer.from(hkdfSync('sha512', ikm, wrap.subarray(1, 33), info, 32)), `${account}, ${hash}`)
  }
  const needles = mint.needles()

  const before = sightings(server.pid, needles).length
  await wait(SOON)
  const after = sightings(server.pid, needles)
  others.stop()
  t.diagnostic(`${mint.canaries.length} secrets; copies in memory: ${before} at once, ${after.length} after a minute`)
  for (const told of new Set(after)) t.diagnostic(told)
  assert.equal(after.length, 0)

  function login(who: 'alice' | 'bob', mechanism = 'SCRAM-SHA-256'): Login {
    return { ...server.login(who), password: password[who], mechanism }
  }

  async function online(who: 'alice' | 'bob', mechanism?: string): Promise<Client> {
    const client = await Client.online(login(who, mechanism), undefined, true)
    if (client.scram !== undefined) {
      mint.known('proof of a login', client.scram.proof, `${who}, ${mechanism}`)
      mint.known('salted password', client.scram.saltedPassword, `${who}, ${mechanism}`)
    }
    return client
  }

  async function talk(mechanism: string): Promise<void> {
    const alice = await online('alice', mechanism)
    const bob = await online('bob', mechanism)
    let heard = 0
    for (const each of [alice, bob]) each.onStanza = ({ name }) => void (name === 'message' && heard++)
    const write = (from: Client, to: string, detail: string): void =>
      from.send(xml`<message type="chat" to="${to}"><body>${mint.text('body', `${mechanism}, ${detail}`)}</body></message>`)
    for (let i = 0; i < 10; i++) {
      write(alice, bob.jid, `${i}`)
      write(bob, alice.jid, `back ${i}`)
      await wait(50)
    }
    while (heard < 20) await wait(20)
    await bob.leave()
    write(alice, 'bob@localhost', 'while away')
    await alice.asks('get', PING)
    const resumption = alice.resumption!
    alice.break()
    const again = await Client.login(login('alice', mechanism))
    assert.notEqual(await again.resume(resumption), undefined)
    await again.leave()
  }

  async function fail(): Promise<void> {
    for (const mechanism of MECHANISMS)
      await assert.rejects(Client.login({ ...login('alice', mechanism), password: mint.word('wrong password', mechanism) }))
  }

  async function keep(): Promise<void> {
    const bob = await online('bob')
    await bob.asks('set', xml`<query xmlns="jabber:iq:private"><notes xmlns="urn:x-test">${mint.text('private XML')}</notes></query>`)
    await bob.asks('get', '<query xmlns="jabber:iq:private"><notes xmlns="urn:x-test"/></query>')
    const bookmark = xml`<item id="${mint.word('address of a bookmark')}@muc.example"><conference xmlns="urn:xmpp:bookmarks:1" name="${mint.text('private item')}"/></item>`
    for (const [type, what] of [
      ['set', `<publish node="urn:xmpp:bookmarks:1">${bookmark}</publish>`],
      ['get', '<items node="urn:xmpp:bookmarks:1"/>'],
    ] as const) {
      const answer = await bob.asks(type, `<pubsub xmlns="http://jabber.org/protocol/pubsub">${what}</pubsub>`)
      assert.equal(answer.attrs['type'], 'result', String(answer))
    }
    const withAlice = xml`<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="with"><value>alice@localhost</value></field></x>`
    for (const filter of ['', withAlice]) {
      const answer = await bob.asks('set', `<query xmlns="urn:xmpp:mam:2">${filter}</query>`)
      assert.equal(answer.attrs['type'], 'result', String(answer))
    }
    const [, code] = /code is (\S+)/.exec(await runCommand(bob, 'bob@localhost', 'recovery-code'))!
    mint.known('recovery code', code!)
    await bob.leave()
  }

  async function browse(): Promise<void> {
    const browser = new Browser('bob', password.bob, '<user-agent id="d3a1a9f1-0000-4000-8000-000000000001"/>')
    await browser.open(`wss://127.0.0.1:${server.https}`, 'localhost')
    await browser.logIn('<bind xmlns="urn:xmpp:bind:0"/>')
    mint.known('token', browser.token)
    browser.send(
      xml`<message xmlns="jabber:client" type="chat" to="alice@localhost"><body>${mint.text('body', 'of a browser')}</body></message>`,
    )
    await browser.close()
    await browser.open(`wss://127.0.0.1:${server.https}`, 'localhost')
    await browser.comeBack('<bind xmlns="urn:xmpp:bind:0"/>')
    mint.known('proof of a token', browser.proof)
    mint.known('token', browser.token, 'another one')
    await browser.close()
  }

  async function changePassword(): Promise<void> {
    const alice = await online('alice')
    password.alice = mint.word('password', 'alice, a new one')
    await alice.asks('set', xml`<query xmlns="jabber:iq:register"><username>alice</username><password>${password.alice}</password></query>`)
    await alice.leave()
    for (const who of ['alice', 'bob'] as const) await (await online(who)).leave()
  }
})

/** Two who stay, and write to each other now and then. */
async function chatter(server: Server): Promise<{ stop(): void }> {
  const [carol, dave] = await Promise.all(
    ['carol', 'dave'].map(name => Client.online({ ...server.login(name), password: PASSWORD }, undefined, true)),
  )
  const timer = setInterval(() => {
    carol!.send(`<message type="chat" to="${dave!.jid}"><body>${Date.now()}</body></message>`)
    dave!.send(`<message type="chat" to="${carol!.jid}"><body>${Date.now()}</body></message>`)
  }, 200)
  const stop = (): void => {
    clearInterval(timer)
    for (const client of [carol!, dave!]) client.break()
  }
  return { stop }
}

/** What is seen where. Hashes are left out: what is stored may be in memory. */
function sightings(pid: number, needles: Needles<Sighting>): string[] {
  const told: string[] = []
  for (const { region, offset, bytes } of memoryOf(pid)) {
    for (const { label, at } of needles.search(bytes)) {
      const { canary, encoding } = label
      if (/md5|sha/.test(encoding)) continue
      const around = process.env['PRIVACY_AROUND'] === undefined ? '' : `: ${printable(bytes.subarray(Math.max(0, at - 60), at + 100))}`
      told.push(
        `${canary.datum} (${canary.detail}; ${encoding}) in ${region.name || 'memory'} at ${(region.from + offset + at).toString(16)}${around}`,
      )
    }
  }
  return told
}

const printable = (bytes: Buffer): string => bytes.toString('latin1').replace(/[^\x20-\x7e]/g, '.')

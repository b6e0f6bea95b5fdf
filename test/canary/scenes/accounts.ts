import assert from 'node:assert/strict'
import { Client } from '../../faults/client.ts'
import { type Day, runCommand, xml } from '../day.ts'

const MECHANISMS = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN']

/** The operator makes accounts, and an invitation that nobody uses. */
export function prepare({ server, names, passwords, mint }: Day): void {
  for (const who of ['alice', 'bob', 'hermit', 'eve'] as const)
    server.command(['user', 'add', `${names[who]}@${server.domain}`], `${passwords[who]}\n`)
  tokenOf(server.command(['invite', 'create', '--json', '--name', mint.word('name that is kept for a guest')]), 'unused')

  function tokenOf(said: string, detail: string): void {
    mint.known('token of an invitation', /preauth=([^;]+)/.exec(JSON.parse(said).uri)![1]!, detail)
  }
}

/** An account by invitation (XEP-0401, XEP-0445, XEP-0077). */
export async function register(day: Day): Promise<void> {
  const { server, mint, names, passwords } = day
  const alice = await day.online(day.login('alice', 'invites'), mint.word('resource', 'invites'))
  const tokens = [
    await runCommand(alice, server.domain, 'urn:xmpp:invite#invite'),
    await runCommand(alice, server.domain, 'urn:xmpp:invite#create-account', {
      username: mint.word('name that is kept for a guest', 'by a user'),
    }),
  ]
  for (const said of tokens) mint.known('token of an invitation', /preauth=([^;<]+)/.exec(said)![1]!, 'of a user')
  await alice.leave()

  const { uri } = JSON.parse(server.command(['invite', 'create', '--json']))
  const token = mint.known('token of a used invitation', /preauth=([^;]+)/.exec(uri)![1]!)
  const client = await Client.connect(day.login6('guest', 'registers'))
  await client.asksBeforeLogin('set', `<preauth xmlns="urn:xmpp:pars:0" token="${token}"/>`)
  await client.asksBeforeLogin(
    'set',
    xml`<query xmlns="jabber:iq:register"><username>${names.guest}</username><password>${passwords.guest}</password></query>`,
  )
  client.break()
}

/** With every mechanism. */
export async function logIn(day: Day): Promise<void> {
  for (const mechanism of MECHANISMS) {
    const client = await day.online(day.login('alice', mechanism, { mechanism }), day.mint.word('resource', mechanism))
    await client.asks('get', '<query xmlns="jabber:iq:roster"/>')
    await client.leave()
  }
  const guest = await day.online(day.login6('guest', 'comes'), day.mint.word('resource', 'guest'))
  await guest.leave()
}

export async function fail(day: Day): Promise<void> {
  const { mint, server } = day
  const wrong = () => ({ ...day.login('alice', 'with a wrong password'), password: mint.word('wrong password') })
  for (const mechanism of MECHANISMS) await assert.rejects(Client.login({ ...wrong(), mechanism }), /not-authorized/)
  await assert.rejects(Client.login({ ...wrong(), name: mint.word('name that does not exist') }), /not-authorized/)
  const broken = await Client.connect(day.login6('alice', 'sends broken XML'))
  broken.send(`<auth mechanism="${mint.word('broken XML')}"><<`)
  await broken.closed
  const lost = await Client.connect({ ...day.login('alice', 'breaks off'), domain: server.domain })
  lost.send(
    `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${Buffer.from(mint.word('broken XML', 'half of a login')).toString('base64')}`,
  )
  lost.break()
}

/** The user chooses a new password (XEP-0077 §3.3). */
export async function changePassword(day: Day): Promise<void> {
  const { mint, names, passwords } = day
  const alice = await day.online(day.login('alice', 'changes the password'), mint.word('resource', 'changes the password'))
  passwords.alice = mint.word('password', 'alice, a new one')
  const answer = await alice.asks(
    'set',
    xml`<query xmlns="jabber:iq:register"><username>${names.alice}</username><password>${passwords.alice}</password></query>`,
  )
  assert.equal(answer.attrs['type'], 'result', String(answer))
  await alice.leave()
  const again = await day.online(day.login('alice', 'with the new password'), mint.word('resource', 'with a new password'))
  await again.leave()
}

/** One has lost the password; the operator gives another one, and a recovery code opens what was kept before. */
export async function recover(day: Day): Promise<void> {
  const { mint, server, passwords } = day
  const eve = await day.online(day.login('eve', 'gets a code'), mint.word('resource', 'gets a code'))
  await eve.asks(
    'set',
    xml`<query xmlns="jabber:iq:private"><notes xmlns="urn:x-test">${mint.text('private XML', 'recovered')}</notes></query>`,
  )
  const code = await newCode(day, eve)
  await eve.leave()
  passwords.eve = mint.word('password', 'eve, a new one')
  server.command(['user', 'password', day.jid('eve')], `${passwords.eve}\n`)
  const again = await day.online(day.login('eve', 'uses the code'), mint.word('resource', 'uses a code'))
  assert.match(await runCommand(again, day.jid('eve'), 'recover', { code }), /can be read again/)
  await newCode(day, again)
  await again.leave()
}

async function newCode({ mint }: Day, client: Client): Promise<string> {
  const [, code] = /code is (\S+)/.exec(await runCommand(client, client.jid.split('/')[0]!, 'recovery-code'))!
  mint.known('recovery code', code!.replaceAll('-', ''), 'without lines')
  return mint.known('recovery code', code!)
}

/** One leaves for good (XEP-0077 §3.2), another one is removed by the operator. */
export async function leave(day: Day): Promise<void> {
  const guest = await day.online(day.login('guest', 'goes for good'), day.mint.word('resource', 'goes for good'))
  guest.send('<iq type="set" id="bye"><query xmlns="jabber:iq:register"><remove/></query></iq>')
  await guest.closed
  day.server.command(['user', 'remove', '--yes', day.jid('hermit')])
}

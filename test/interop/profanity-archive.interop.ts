/**
 * Profanity asks for the archive when a chat is opened. Version 0.13 writes to the screen what it knows already, and asks twice for
 * the first page, for it puts `<after/>` beside `<set/>`; but into its own log it takes each message once, by its id in the archive.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, PASSWORD } from './device.ts'
import { type Message, readAll, talk } from './history.ts'
import { unlessInstalled } from './installed.ts'
import { messagesLogged, startProfanity } from './profanity.ts'
import { type Server, startServer } from './server.ts'
import type { Terminal } from './terminal.ts'

const NEW_PASSWORD = 'quite another password'
const settings = ['/mam on']
const installed = unlessInstalled('profanity', 'slixmpp', 'xmpp-js')

let server: Server
let names = 0
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
})
after(() => server[Symbol.asyncDispose]())

async function newAccount(): Promise<{ server: Server; name: string }> {
  const name = `user${names++}`
  await server.addUser(name, PASSWORD)
  return { server, name }
}

/** What is in the archive and in the client's log; the client has shown the last of it. */
function mustBeLogged(terminal: Terminal, name: string, archived: Message[]): void {
  const expected = archived.map(({ body, stanzaId }) => ({ body, stanzaId }))
  assert.deepEqual(messagesLogged(terminal, name), expected)
}

test('profanity fetches what was said before, and one scrolls up to it', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('slixmpp', account)
  await talk(other, bob, 70, 'message', 1)
  await using terminal = await startProfanity({ ...account, settings })
  await terminal.type(`/msg ${bob.address}`)
  await terminal.shows('message 69')
  for (let at = 0; at < 4; at++) await terminal.press('PPage')
  await terminal.shows(/me: message 0\n.*me: message 1\n/)
  mustBeLogged(terminal, account.name, await readAll(other))
})

test('profanity as a second device logs once what comes as a copy and stands in the archive', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('slixmpp', account)
  await talk(other, bob, 20, 'former', 1)
  await using terminal = await startProfanity({ ...account, settings })
  await terminal.type(`/msg ${bob.address}`)
  await terminal.shows('former 19')
  await talk(other, bob, 20, 'later', 1)
  await terminal.shows('later 19')
  await terminal.type('/close')
  await terminal.type(`/msg ${bob.address}`)
  await terminal.shows('former 0')
  mustBeLogged(terminal, account.name, await readAll(other))
})

test('profanity logs once what came while it was away', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  for (let at = 0; at < 10; at++) {
    bob.send(`${account.name}@localhost`, `missed ${at}`)
    await bob.settled()
  }
  await using terminal = await startProfanity({ ...account, settings })
  await terminal.type(`/msg ${bob.address}`)
  await terminal.shows('missed 9')
  await using other = await Device.online('slixmpp', account)
  mustBeLogged(terminal, account.name, await readAll(other))
})

test('profanity changes the password, and the archive stays', installed, async () => {
  const account = await newAccount()
  const { name } = account
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('slixmpp', account)
  await talk(other, bob, 20, 'message', 1)
  const archived = await readAll(other)
  {
    await using terminal = await startProfanity({ ...account, settings })
    await terminal.type('/changepassword')
    await terminal.shows('Enter password')
    await terminal.type(NEW_PASSWORD)
    await terminal.shows('Confirm password')
    await terminal.type(NEW_PASSWORD)
    await terminal.shows('Password successfully changed')
    await other.hears('lost')
    await terminal.type(`/msg ${bob.address}`)
    await terminal.shows('message 19')
    mustBeLogged(terminal, name, archived)
  }
  await using again = await startProfanity({ ...account, password: NEW_PASSWORD, settings })
  await again.type(`/msg ${bob.address}`)
  await again.shows('message 19')
  mustBeLogged(again, name, archived)
})

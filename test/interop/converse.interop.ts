/** Converse.js as it is used: what stands on the screen, and what it would show if one scrolled there. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ConverseSite } from './converse.ts'
import { Device, PASSWORD } from './device.ts'
import { bodiesOf, readAll, talk } from './history.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

const NEW_PASSWORD = 'quite another password'
const PAGE = 50
const installed = unlessInstalled('converse', 'slixmpp', 'xmpp-js')

let server: Server
let site: ConverseSite
let names = 0
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
  if (!installed.skip) site = await ConverseSite.start()
})
after(async () => {
  await site?.[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function newAccount(): Promise<{ server: Server; name: string }> {
  const name = `user${names++}`
  await server.addUser(name, PASSWORD)
  return { server, name }
}

test('Converse.js scrolls up through a long history, and goes on with it', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('slixmpp', account)
  const { bodies } = await talk(other, bob, 250, 'message', 1)

  await using chat = await site.chat(account, bob.address, PASSWORD)
  await chat.shows(bodies.slice(-PAGE))
  const archived = await readAll(other)
  assert.deepEqual(
    await chat.scrollToTop(),
    archived.map(({ body, stanzaId }) => ({ body, stanzaId })),
  )
  bob.send(`${account.name}@localhost`, 'one more')
  await chat.knows([...bodies, 'one more'])
  await chat.write('my answer')
  await bob.hears('message', { body: 'my answer' })
  await chat.knows([...bodies, 'one more', 'my answer'])
})

test(
  'Converse.js as a second device has once what the first sent and got, before and now, also when it is loaded anew',
  installed,
  async () => {
    const account = await newAccount()
    await using bob = await Device.online('xmpp-js', await newAccount())
    await using other = await Device.online('slixmpp', account)
    const { bodies: former } = await talk(other, bob, 20, 'former', 1)

    await using chat = await site.chat(account, bob.address, PASSWORD)
    await chat.shows(former)
    const { bodies: later } = await talk(other, bob, 20, 'later', 1)
    await chat.shows([...former, ...later])
    await chat.reload(bob.address)
    await chat.shows([...former, ...later])
  },
)

test('Converse.js has once what came while it was away, from the spool and from the archive', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('slixmpp', account)
  const { bodies: former } = await talk(other, bob, 20, 'former', 1)
  other.do('close')
  await other.hears('closed')
  {
    await using chat = await site.chat(account, bob.address, PASSWORD)
    await chat.shows(former)
    await chat.logout()
  }
  const missed = Array.from({ length: 20 }, (_, at) => `missed ${at}`)
  for (const body of missed) {
    bob.send(other.address, body)
    await bob.settled()
  }
  await using chat = await site.chat(account, bob.address, PASSWORD)
  await chat.shows([...former, ...missed])
})

test('Converse.js opens many chats at once, and has the history of each', installed, async () => {
  const account = await newAccount()
  await using other = await Device.online('slixmpp', account)
  const friends: string[] = []
  for (let at = 0; at < 8; at++) friends.push(`${(await newAccount()).name}@localhost`)
  for (const friend of friends) other.send(friend, `hello ${friend}`, 'are you there?')
  await other.settled()
  await using chat = await site.chat(account, friends[0]!, PASSWORD, { auto_join_private_chats: friends })
  for (const friend of friends) {
    await chat.turnTo(friend)
    await chat.shows([`hello ${friend}`, 'are you there?'])
  }
})

test('Converse.js changes the password, and the archive stays', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using carol = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('slixmpp', account)
  const { bodies: withBob } = await talk(other, bob, 20, 'with Bob', 1)
  const { bodies: withCarol } = await talk(other, carol, 20, 'with Carol', 1)

  await using chat = await site.chat(account, bob.address, PASSWORD)
  await chat.shows(withBob)
  await chat.changePassword(NEW_PASSWORD)
  await other.hears('lost')
  await chat.turnTo(carol.address)
  await chat.shows(withCarol)
  await chat.logout()

  await assert.rejects(Device.online('slixmpp', account), /not-authorized/)
  await using again = await site.chat(account, carol.address, NEW_PASSWORD)
  await again.shows(withCarol)
  await again.turnTo(bob.address)
  await again.shows(withBob)
})

test('Converse.js sets what is archived', installed, async () => {
  const account = await newAccount()
  await using bob = await Device.online('xmpp-js', await newAccount())
  await using other = await Device.online('xmpp-js', account)
  const { always, never } = await other.asks('preferences', 'preferences')
  await using chat = await site.chat(account, bob.address, PASSWORD, { message_archiving: 'never' })
  await chat.write('not to be kept')
  await bob.hears('message', { body: 'not to be kept' })
  const { event: _, ...preferences } = await other.asks('preferences', 'preferences')
  assert.deepEqual(preferences, { usual: 'never', always, never })
  assert.deepEqual(bodiesOf(await readAll(other)), [])
})

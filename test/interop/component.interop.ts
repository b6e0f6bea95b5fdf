import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Device, PASSWORD } from './device.ts'
import { type Program, startBiboumi } from './gateway.ts'
import { unlessInstalled } from './installed.ts'
import { IrcUser, startIrc } from './irc.ts'
import { type Server, startServer } from './server.ts'

const DOMAIN = 'biboumi.localhost'
const secret = randomBytes(16).toString('hex')
// The port is fixed, so the address is not: all of 127/8 is this machine.
const irc = `127.${randomInt(64, 256)}.${randomInt(256)}.${randomInt(1, 255)}`
const room = `#verona%${irc}@${DOMAIN}`
const { skip } = unlessInstalled('biboumi', 'slixmpp')

let server: Server
let ircServer: Program
before(async () => {
  if (skip) return
  server = await startServer(`[auth]\niterations = 4096\n[component."${DOMAIN}"]\nsecret = "${secret}"\n`)
  await server.addUser('romeo', PASSWORD)
  ircServer = await startIrc(irc)
})
after(async () => {
  await ircServer?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

/** The gateway is connected to the server. */
async function connected(): Promise<Program> {
  const gateway = await startBiboumi(DOMAIN, secret, server.ports.component)
  await gateway.says('Authenticated with the XMPP server')
  return gateway
}

test('biboumi lets a user take part in a channel of IRC', { skip }, async () => {
  await using _ = await connected()
  using mercutio = await IrcUser.online('mercutio', irc)
  mercutio.says('JOIN #verona')
  await mercutio.hears(/ 366 /)
  await using romeo = await Device.online('slixmpp', { server, name: 'romeo' })
  romeo.do('items', { of: 'localhost' })
  const { items } = await romeo.hears('items')
  assert.deepEqual(new Set(items as string[]), new Set([DOMAIN, 'pubsub.localhost', 'conference.localhost']))

  romeo.do('join', { room, nick: 'romeo' })
  for (const nick of ['mercutio', 'romeo']) await romeo.hears('presence', { type: 'available', from: `${room}/${nick}` })
  await mercutio.hears(/^:romeo!\S+ JOIN :?#verona/)

  romeo.do('say', { room, body: 'I dreamt a dream tonight' })
  await mercutio.hears(/^:romeo!\S+ PRIVMSG #verona :I dreamt a dream tonight$/)
  mercutio.says('PRIVMSG #verona :And so did <I> & “Queen Mab” 🌍')
  await romeo.hears('message', { from: `${room}/mercutio`, body: 'And so did <I> & “Queen Mab” 🌍' })
  romeo.send(`${room}/mercutio`, 'What was yours?')
  await mercutio.hears(/^:romeo!\S+ PRIVMSG mercutio :What was yours\?$/)

  mercutio.says('PART #verona :That dreamers often lie')
  await romeo.hears('presence', { type: 'unavailable', from: `${room}/mercutio` })
  mercutio.says('JOIN #verona')
  await romeo.hears('presence', { type: 'available', from: `${room}/mercutio` })
  romeo.do('close')
  await mercutio.hears(/^:romeo!\S+ (?:PART|QUIT)/)
})

test('biboumi comes back to a server that was started anew, and a second one is refused', { skip }, async () => {
  await using first = await connected()
  await server.kill()
  await server.start()
  await first.says('Authenticated with the XMPP server')
  await using second = await startBiboumi(DOMAIN, secret, server.ports.component)
  await second.says('it ended with 1')
  await using romeo = await Device.online('slixmpp', { server, name: 'romeo' })
  romeo.do('join', { room, nick: 'romeo' })
  await romeo.hears('presence', { type: 'available', from: `${room}/romeo` })
})

test('biboumi with a wrong secret stays outside, and its users are told that it is away', { skip }, async () => {
  await using gateway = await startBiboumi(DOMAIN, `${secret}0`, server.ports.component)
  await gateway.says('Stream error received from the XMPP server')
  await using romeo = await Device.online('slixmpp', { server, name: 'romeo' })
  romeo.do('presence', { to: `${room}/romeo` })
  await romeo.hears('presence', { type: 'error', from: `${room}/romeo` })
})

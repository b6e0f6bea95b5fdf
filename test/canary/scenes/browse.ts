import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { saltPassword, TestClient } from '../../../src/sasl/test-client.ts'
import { type Day, xml } from '../day.ts'

/** WebSocket, with all that a browser and XEP-0388 tell about the device; then by way of a proxy. */
export async function browse(day: Day): Promise<void> {
  const { mint, server } = day
  const localAddress = mint.address('IP address', 'of a browser')
  await surf(day, `wss://127.0.0.1:${server.https}`, { localAddress, headers: headers(day) })
  const forwarded = {
    'x-forwarded-for': `${mint.address('IP address', 'before a proxy')}, ${mint.address('IP address', 'as a proxy says')}`,
  }
  await surf(day, `ws://127.0.0.1:${server.http}`, { headers: { ...headers(day), ...forwarded } })
}

const headers = ({ mint }: Day): Record<string, string> => ({
  'user-agent': mint.word('browser', 'User-Agent'),
  'x-forwarded-for': mint.address('IP address', 'in a header of a client'),
  origin: `https://${mint.domain('browser', 'origin')}`,
  referer: `https://${mint.domain('browser', 'referer')}/`,
  cookie: `a=${mint.word('browser', 'cookie')}`,
  'accept-language': mint.word('browser', 'language'),
})

async function surf(day: Day, place: string, options: object): Promise<void> {
  const { mint } = day
  const webSocket = new WebSocket(`${place}/xmpp-websocket?${mint.word('browser', 'query')}`, 'xmpp', {
    rejectUnauthorized: false,
    ...options,
  })
  await once(webSocket, 'open')
  let said = ''
  webSocket.on('message', data => (said += data))
  const hears = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (let i = 0; i < 200 && !pattern.test(said); i++) await wait(20)
    assert.match(said, pattern)
    const found = pattern.exec(said)!
    said = ''
    return found
  }
  webSocket.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>')
  await hears(/features>/)
  // The account has no verifier for SHA-512 yet, and gets one (XEP-0480).
  const scram = new TestClient({ mechanism: 'SCRAM-SHA-256', username: day.names.alice, password: day.passwords.alice })
  const agent = xml`<user-agent id="${mint.word('device', 'id')}"><software>${mint.text('device', 'software')}</software><device>${mint.text('device', 'name')}</device></user-agent>`
  const bind = xml`<bind xmlns="urn:xmpp:bind:0"><tag>${mint.word('device', 'tag')}</tag></bind>`
  webSocket.send(
    `<authenticate xmlns="urn:xmpp:sasl:2" mechanism="SCRAM-SHA-256"><initial-response>${scram.first().toString('base64')}</initial-response><upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>${agent}${bind}</authenticate>`,
  )
  const [, challenge] = await hears(/<challenge[^>]*>([^<]+)/)
  webSocket.send(`<response xmlns="urn:xmpp:sasl:2">${scram.final(Buffer.from(challenge!, 'base64')).toString('base64')}</response>`)
  mint.known('proof of a login', scram.proof, 'of a browser')
  mint.known('key of a login', scram.clientKey, 'of a browser')
  await hears(/<task>UPGR-SCRAM-SHA-512</)
  webSocket.send('<next xmlns="urn:xmpp:sasl:2" task="UPGR-SCRAM-SHA-512"/>')
  const [, iterations, salt] = await hears(/iterations='(\d+)'>([^<]+)/)
  const salted = mint.known('salted password', saltPassword('SHA-512', day.passwords.alice, salt!, Number(iterations)), 'of an upgrade')
  webSocket.send(
    `<task-data xmlns="urn:xmpp:sasl:2"><hash xmlns="urn:xmpp:scram-upgrade:0">${salted.toString('base64')}</hash></task-data>`,
  )
  await hears(/<success.*?<bound/)
  webSocket.send('<presence xmlns="jabber:client"/>')
  webSocket.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  await once(webSocket, 'close')
}

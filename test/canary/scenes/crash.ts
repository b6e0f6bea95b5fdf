import { once } from 'node:events'
import type { Client } from '../../faults/client.ts'
import { type Day, xml } from '../day.ts'

/** The server dies while users write to each other, in the way that the signal says, and starts again. */
export async function crash(day: Day, signal: NodeJS.Signals): Promise<void> {
  const { mint, server } = day
  const alice = await day.online(day.login('alice', `until ${signal}`), mint.word('resource', `until ${signal}`))
  const bob = await day.online(day.login('bob', `until ${signal}`), mint.word('resource', `until ${signal}, bob`))
  alice.send(
    xml`<message type="chat" to="${day.jid('eve')}"><body>${mint.text('body of a message that was fetched', `until ${signal}`)}</body></message>`,
  )
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  const write = (from: Client, to: Client, detail: string): void =>
    from.send(
      xml`<message type="chat" to="${to.jid}"><body>${mint.text('body of a message', `until ${signal}, ${detail}`)}</body></message>`,
    )
  for (let i = 0; i < 20; i++) {
    write(alice, bob, `${i}`)
    write(bob, alice, `back ${i}`)
  }
  await once(alice.socket, 'data')
  await server.stop(signal)
  for (const client of [alice, bob]) client.break()
  await server.start()
}

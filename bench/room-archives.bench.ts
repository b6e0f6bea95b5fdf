/**
 * What it costs a server that a room is archived (XEP-0313): four of its occupants write as fast as they can, in a room that is not, and
 * in one that is. Throws where somebody misses a message, or hears them in another order. The accounts are the yardstick's: u0 … uN at
 * sha256.localhost, SCRAM-SHA-256, `pass`.
 *
 *     bin/with-node bench/room-archives.bench.ts PORT PID CERTIFICATE [OCCUPANTS [MESSAGES]]
 */
import { Client } from '../test/faults/client.ts'
import { cpuOf } from './cpu.ts'

const SENDERS = 4
const PARALLEL = 16

const [port = '', pid = '', ca = '', occupants = '500', messages = '150'] = process.argv.slice(2)
const domain = 'sha256.localhost'
const most = Number(occupants)
const each = Number(messages)

/** A client, and the ids of what it has heard. Nothing else of what comes is read: it would cost more than the server takes. */
class Listener {
  readonly client: Client
  heard: string[] = []
  #tail = ''

  constructor(client: Client) {
    this.client = client
    client.socket.removeAllListeners('data').on('data', (bytes: Buffer) => this.#read(bytes.toString('latin1')))
  }

  #read(text: string): void {
    const all = this.#tail + text
    let end = 0
    for (const match of all.matchAll(/<message [^>]*?id='(said-\d+-\d+)'[^>]*>/g)) {
      this.heard.push(match[1]!)
      end = match.index + match[0].length
    }
    this.#tail = all.slice(Math.max(end, all.length - 2000))
  }
}

const listeners: Listener[] = []
while (listeners.length < most) {
  const next = Array.from({ length: Math.min(PARALLEL, most - listeners.length) }, (_, i) => online(listeners.length + i))
  listeners.push(...(await Promise.all(next)))
}
for (const isArchived of [false, true]) await talk(isArchived)
process.exit()

async function online(number: number): Promise<Listener> {
  const name = `u${number}`
  return new Listener(
    await Client.online({ domain, port: Number(port), ca, name, password: 'pass', mechanism: 'SCRAM-SHA-256' }, name, false),
  )
}

async function talk(isArchived: boolean): Promise<void> {
  const room = `bench${Date.now()}@conference.${domain}`
  const enter = ({ client }: Listener, i: number): void =>
    client.send(`<presence to="${room}/u${i}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
  enter(listeners[0]!, 0)
  const fields = Object.entries({ persistentroom: 1, enablearchiving: Number(isArchived), moderatedroom: 0 }).map(
    ([name, value]) => `<field var="muc#roomconfig_${name}"><value>${value}</value></field>`,
  )
  const type = '<field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>'
  listeners[0]!.client.send(
    `<iq type="set" id="open" to="${room}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">${type}${fields.join('')}</x></query></iq>`,
  )
  await new Promise(resolve => setTimeout(resolve, 500))
  for (const [i, listener] of listeners.entries()) if (i > 0) enter(listener, i)
  listeners.at(-1)!.client.send(`<message type="groupchat" to="${room}" id="said-0-0"><body>all are here</body></message>`)
  await allHave(1)
  for (const listener of listeners) listener.heard = []
  const [before, at] = [cpuOf(Number(pid)), performance.now()]
  for (let n = 0; n < each; n++) {
    for (let sender = 0; sender < SENDERS; sender++)
      listeners[sender]!.client.send(
        `<message type="groupchat" to="${room}" id="said-${sender + 1}-${n}"><body>${'x'.repeat(120)}</body></message>`,
      )
  }
  await allHave(SENDERS * each)
  const [used, took] = [cpuOf(Number(pid)) - before, performance.now() - at]
  const order = listeners[0]!.heard.join()
  for (const { heard } of listeners) if (heard.join() !== order) throw new Error('not all have heard the same')
  const deliveries = most * SENDERS * each
  console.log(
    `${most} in a room that is ${isArchived ? '' : 'not '}archived: ${((used / deliveries) * 1000).toFixed(1)} ms of CPU for 1,000 deliveries, ${((SENDERS * each * 1000) / took).toFixed(0)} messages a second`,
  )
}

async function allHave(count: number): Promise<void> {
  while (listeners.some(({ heard }) => heard.length < count)) await new Promise(resolve => setTimeout(resolve, 50))
}

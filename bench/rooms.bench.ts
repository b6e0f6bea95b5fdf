/**
 * What it costs a server that somebody enters a room (XEP-0045 §7.2), by how many are there: each of them is told, and told of. The
 * accounts are the yardstick's: u0 … uN at sha256.localhost, SCRAM-SHA-256, `pass`.
 *
 *     bin/with-node bench/rooms.bench.ts PORT PID CERTIFICATE [OCCUPANTS …]
 */
import { Client } from '../test/faults/client.ts'
import { cpuOf } from './cpu.ts'

/** What a room says last to who enters (XEP-0045 §7.1). */
const LAST = '<subject'
const PARALLEL = 16
/** So many enter one after the other, and are measured. */
const MEASURED = 50

const [port = '', pid = '', ca = '', ...sizes] = process.argv.slice(2)
const domain = 'sha256.localhost'
const room = `bench${Date.now()}@conference.${domain}`
let known = 0

await enter()
for (const size of sizes.length > 0 ? sizes.map(Number) : [250, 500, 1000, 2000]) {
  while (known < size - MEASURED) await Promise.all(Array.from({ length: Math.min(PARALLEL, size - MEASURED - known) }, enter))
  const clients = await Promise.all(Array.from({ length: MEASURED }, online))
  const before = cpuOf(Number(pid))
  for (const client of clients) await join(client)
  const used = (cpuOf(Number(pid)) - before) / MEASURED
  const each = (used * 1000) / (size - MEASURED / 2)
  console.log(`${size} in the room: ${used.toFixed(1)} ms of CPU for one more, ${each.toFixed(1)} µs for each who is there`)
}
process.exit()

async function enter(): Promise<void> {
  await join(await online())
}

function online(): Promise<Client> {
  const name = `u${known++}`
  return Client.online({ domain, port: Number(port), ca, name, password: 'pass', mechanism: 'SCRAM-SHA-256' }, name, false)
}

/** Done when the room has told all; nothing of it is parsed. */
async function join(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { socket } = client
  const [, nick] = client.jid.split('/')
  let tail = ''
  socket.removeAllListeners('data').on('data', (bytes: Buffer) => {
    const heard = tail + bytes.toString('latin1')
    if (heard.includes(LAST)) {
      socket.removeAllListeners('data').resume()
      resolve()
    }
    tail = heard.slice(-LAST.length)
  })
  client.send(`<presence to="${room}/${nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
  await promise
  if (nick !== 'u0') return
  const query = '<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"/></query>'
  client.send(`<iq type="set" id="open" to="${room}">${query}</iq>`)
}

/**
 * What a notification costs a server (XEP-0060): so many subscribers are notified of what one publishes, or several do at a time; the next
 * item of each comes when all have heard of his last one. The accounts are the yardstick's: u0 … uN at sha256.localhost, SCRAM-SHA-256, `pass`.
 *
 *     bin/with-node bench/pubsub.bench.ts PORT PID CERTIFICATE [SUBSCRIBERS] [SECONDS] [PUBLISHERS]
 */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { namespace } from '../src/xml/element.ts'
import { Client } from '../test/faults/client.ts'
import { cpuOf } from './cpu.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const PubSubEvent = namespace<'event' | 'items'>(`${PUBSUB}#event`)
const PARALLEL = 16
const WARM_UP = 2
const TEXT = 'abcdefgh '.repeat(44)

const [port = '', pid = '', ca = '', subscribers = '1000', seconds = '6', publishers = '1'] = process.argv.slice(2)
const domain = 'sha256.localhost'
const service = `pubsub.${domain}`
const started = Date.now()
const login = (n: number) => ({ domain, port: Number(port), ca, name: `u${n}`, password: 'pass', mechanism: 'SCRAM-SHA-256' })

let heard = 0
const nodes = Array.from({ length: Number(publishers) }, (_, n) => ({ name: `bench${started}-${n}`, missing: 0 }))
const publisher = await Client.online(login(0), undefined, false)
const readers: Client[] = []
for (let n = 1; n <= Number(subscribers); n += PARALLEL) {
  const logins = Array.from({ length: Math.min(PARALLEL, Number(subscribers) - n + 1) }, (_, i) =>
    Client.online(login(n + i), undefined, false),
  )
  readers.push(...(await Promise.all(logins)))
}
for (const { name } of nodes) await ask(publisher, `<create node="${name}"/>`)
for (const reader of readers) {
  const [bare] = reader.jid.split('/')
  for (const { name } of nodes) await ask(reader, `<subscribe node="${name}" jid="${bare}"/>`)
  reader.onStanza = stanza => {
    const items = stanza.child(PubSubEvent, 'event')?.child(PubSubEvent, 'items')
    const node = nodes.find(({ name }) => name === items?.attrs['node'])
    if (node === undefined) return
    heard++
    if (--node.missing === 0) publish(node)
  }
}
for (const node of nodes) publish(node)
await wait(WARM_UP * 1000)
const [from, before] = [heard, cpuOf(Number(pid))]
await wait(Number(seconds) * 1000)
const [count, used] = [heard - from, cpuOf(Number(pid)) - before]
console.log(
  `${count} notifications, ${Math.round(count / Number(seconds))} a second; ${((used * 1000) / count).toFixed(1)} ms of CPU for 1,000`,
)
process.exit()

function publish(node: (typeof nodes)[number]): void {
  node.missing = readers.length
  const item = `<item id="${heard}"><entry xmlns="http://www.w3.org/2005/Atom"><title>${TEXT}</title></entry></item>`
  publisher.send(
    `<iq type="set" id="p${heard}" to="${service}"><pubsub xmlns="${PUBSUB}"><publish node="${node.name}">${item}</publish></pubsub></iq>`,
  )
}

async function ask(client: Client, xml: string): Promise<void> {
  const answer = await client.asks('set', `<pubsub xmlns="${PUBSUB}">${xml}</pubsub>`, service)
  assert.equal(answer.attrs['type'], 'result', String(answer))
}

import { SaxesParser } from 'saxes'
import type { Element } from '../src/xml/element.ts'
import { StreamParser } from '../src/xml/parser.ts'

// usage: node bench/xml.bench.ts — one stanza per chunk, as TLS records bring them; microseconds each, the best of several rounds.

const HEADER =
  "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
const key = Buffer.alloc(60, 0xa7).toString('base64')
const STANZAS = {
  'chat, 220 bytes':
    "<message to='juliet@example.org/balcony' type='chat' id='7f3a9c1e-77'><body>Wherefore art thou, Romeo? Deny thy father and refuse thy name, or if thou wilt not, be but sworn my love.</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
  'the same with ü':
    "<message to='juliet@example.org/balcony' type='chat' id='7f3a9c1e-77'><body>Wherefore art thöu, Römeo? Deny thy father and refuse thy name, or if thou wilt not, be but sworn my love.</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
  'OMEMO, 1.2 kB': `<message to='juliet@example.org' type='chat' id='7f3a9c1e-77' xml:lang='en'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='27183'>${[1, 2, 3, 4, 5].map(rid => `<key rid='${rid}1415'>${key}${key}</key>`).join('')}<iv>${key.slice(0, 16)}</iv></header><payload>${key}${key}</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/><store xmlns='urn:xmpp:hints'/></message>`,
  ack: "<a xmlns='urn:xmpp:sm:3' h='4711'/>",
}

function measure(write: (bytes: Buffer) => void, stanza: string): number {
  const bytes = Buffer.from(stanza)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 12; round++) {
    const count = 20_000
    const start = process.hrtime.bigint()
    for (let run = 0; run < count; run++) write(bytes)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count / 1000)
  }
  return best
}

let last: Element | undefined
const ours = new StreamParser(
  { onOpen() {}, onElement: element => (last = element), onClose() {} },
  { bytes: 1e5, elements: 1000, depth: 50, attributes: 50 },
)
ours.write(Buffer.from(HEADER))
const saxes = new SaxesParser({ xmlns: true, position: false })
let events = 0
for (const event of ['opentag', 'closetag', 'text'] as const) saxes.on(event, () => void events++)
saxes.write(HEADER)

console.log('                   ours   saxes (events only)   toString')
for (const [name, stanza] of Object.entries(STANZAS)) {
  const us = measure(bytes => ours.write(bytes), stanza)
  const them = measure(bytes => saxes.write(bytes.toString()), stanza)
  const element = last!
  const written = measure(() => void String(element.with({ from: 'romeo@example.org/orchard' })), stanza)
  console.log(`${name.padEnd(16)} ${us.toFixed(2).padStart(6)} ${them.toFixed(2).padStart(14)} ${written.toFixed(2).padStart(16)}`)
}

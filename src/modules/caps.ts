// XEP-0115: Entity Capabilities

import { defineModule, xep } from '../core/module.ts'
import { type Element, namespace } from '../xml/element.ts'
import { capsHash } from '../xmpp/caps-hash.ts'
import { discovery } from './discovery.ts'

const Caps = namespace<'c'>('http://jabber.org/protocol/caps')
/** Names the software; the part after `#` names what it can do. */
const NODE = 'conexizan'

export const caps = defineModule({
  name: 'caps',
  about: 'Tells in the stream features what the server can do, so that clients need not ask each time.',
  xeps: [xep(115, '1.6.0', 'partial', 'The server’s own capabilities; those of clients pass as they are.')],
  features: [Caps.uri],
  needs: { discovery },

  setup({ stream, needs }) {
    const { host } = needs.discovery
    let known: string | undefined
    // What a host can do is settled once all its modules are set up, which is before the first stream.
    const ver = (): string | undefined => (known ??= capsHash(host.info()))

    host.nodes.push({ info: node => (node === `${NODE}#${ver()}` ? host.info() : undefined) })
    let feature: Element | undefined
    const offer = () => (ver() === undefined ? undefined : (feature ??= Caps('c', { hash: 'sha-1', node: NODE, ver: ver() })))
    stream.feature('unauthenticated', offer)
    stream.feature('authenticated', offer)
  },
})

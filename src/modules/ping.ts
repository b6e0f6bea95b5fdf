// XEP-0199: XMPP Ping

import { defineModule, xep } from '../core/module.ts'
import { namespace } from '../xml/element.ts'

const Ping = namespace<'ping'>('urn:xmpp:ping')

export const ping = defineModule({
  name: 'ping',
  about: 'The server and the accounts answer pings.',
  xeps: [xep(199, '2.0.1')],
  features: [Ping.uri],
  accountFeatures: [Ping.uri],
  setup({ iq }) {
    const pong = (): void => {}
    iq.self.get(Ping, 'ping', pong)
    iq.host.get(Ping, 'ping', pong)
  },
})

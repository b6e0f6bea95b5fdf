// XEP-0490: Message Displayed Synchronization

import { defineModule, xep } from '../core/module.ts'
import { messageOut } from '../core/points.ts'
import { namespace } from '../xml/element.ts'
import { StanzaError } from '../xmpp/error.ts'
import { pubsub } from './pubsub/pubsub.ts'

const Displayed = namespace<'displayed'>('urn:xmpp:mds:displayed:0')

export const displayed = defineModule({
  name: 'displayed',
  about: 'All clients of a user learn how far each conversation has been read; one message tells them and the other side.',
  xeps: [xep(490, '1.0.1')],
  accountFeatures: ['urn:xmpp:mds:server-assist:0'],
  needs: { pubsub },

  setup({ needs: { pubsub: pep }, on }) {
    // §5.2: before it is archived or copied, and §7: the other side must not see it.
    on(messageOut.change, function takeMarker(envelope) {
      const { account, session, stanza, to } = envelope
      const marker = stanza.child(Displayed, 'displayed')
      if (marker === undefined) return
      envelope.stanza = stanza.without(child => child.is(Displayed, 'displayed'))
      const item = { id: String(to), payload: marker }
      // §4.4.3: the message goes its way. It is only the client's part that is not done, such as while the account is locked.
      return pep.publish(account, Displayed.uri, item, { by: session.jid }).catch(error => {
        if (!(error instanceof StanzaError)) throw error
      })
    })
  },
})

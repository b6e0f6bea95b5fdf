// What is published by XEP-0163 alone: of these nodes the server knows no more than how they are meant to be configured

import { defineModule, xep } from '../core/module.ts'
import { pubsub } from './pubsub/pubsub.ts'

const PRIVATE = { accessModel: 'whitelist', maxItems: 'max', sendLast: 'never' } as const

export const personalEvents = defineModule({
  name: 'personal-events',
  about: 'Users tell contacts their nickname, mood, activity or tune, keep keys for them, and settings for their own clients.',
  xeps: [
    xep(107, '1.2.2'),
    xep(108, '1.3'),
    xep(118, '1.3.0'),
    xep(172, '1.1'),
    xep(222, '1.0'),
    xep(223, '1.1.1'),
    xep(373, '0.7.0'),
    xep(492, '0.2.0'),
  ],
  needs: { pubsub },

  setup({ needs }) {
    // XEP-0292 §5.2.
    needs.pubsub.usually('urn:xmpp:contacts', PRIVATE)
    // XEP-0373 §5: all backups but the last are worth nothing.
    needs.pubsub.usually('urn:xmpp:openpgp:0:secret-key', { ...PRIVATE, maxItems: 1 })
  },
})

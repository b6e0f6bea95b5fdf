// XEP-0352: Client State Indication

import { defineModule, xep } from '../../core/module.ts'
import { sessionHibernated, sessionResumed } from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { count, flag, size } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { Jid } from '../../xmpp/jid.ts'
import { roster } from '../roster/roster.ts'
import { HeldBack } from './held-back.ts'
import { chatStateKey, eventKey, presenceKey } from './unimportant.ts'

const Csi = namespace<'csi' | 'active' | 'inactive'>('urn:xmpp:csi:0')

export const csi = defineModule({
  name: 'csi',
  about: 'To a device that nobody looks at, what is unimportant is sent later, so that it may sleep.',
  xeps: [xep(352, '1.0.0')],
  needs: { roster },
  settings: {
    presence: flag(true, 'Whether the presence of contacts and of people in rooms is held back.'),
    chatStates: flag(true, 'Whether it is held back that somebody is typing.'),
    events: flag(true, 'Whether notifications of personal events, such as a new avatar, are held back.'),
    most: count(100, { min: 1, max: 10_000 }, 'How many stanzas are held back for a device before they are sent together.'),
    largest: size('256KiB', 'How much is held back for a device before it is sent together.'),
  },

  setup({ on, settings, stream, needs }) {
    let others = 0
    const unique = (): string => `other ${others++}`

    stream.feature('authenticated', Csi('csi'))
    stream.nonza(Csi, 'inactive', becomeInactive)
    stream.nonza(Csi, 'active', becomeActive)
    stream.inline(Csi, 'inactive', becomeInactive)
    stream.inline(Csi, 'active', becomeActive)
    // §5.2: after a resumption the client is active until it says otherwise.
    on(sessionResumed, becomeActive)
    // What is held back would stay in memory as it is: with all else that waits for the client, it is sealed.
    on(sessionHibernated, becomeActive)

    function becomeInactive(session: Session): void {
      session.gate ??= new HeldBack(session, stanza => keyOf(session, stanza), settings)
    }

    function becomeActive(session: Session): void {
      const { gate } = session
      if (!(gate instanceof HeldBack)) return
      session.gate = undefined
      gate.release()
    }

    function keyOf(session: Session, stanza: Element): string | undefined {
      if (stanza.name === 'presence')
        return settings.presence ? presenceKey(stanza, from => isContact(session, Jid.parse(from))) : undefined
      if (stanza.name !== 'message' || stanza.attrs['type'] === 'error') return undefined
      return (settings.events ? eventKey(stanza, unique) : undefined) ?? (settings.chatStates ? chatStateKey(stanza) : undefined)
    }

    function isContact({ account }: Session, from: Jid): boolean {
      if (from.bare.equals(account.jid)) return true
      const subscription = needs.roster.subscriptionOf(account, from)
      return subscription === 'to' || subscription === 'both'
    }
  },
})

// XEP-0045: Multi-User Chat

import { defineModule, xep } from '../../core/module.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import { Jid } from '../../xmpp/jid.ts'
import { discovery } from '../discovery.ts'
import { must } from './access.ts'
import { Context } from './context.ts'
import { describeRooms, describeService } from './disco.ts'
import { MucOwner } from './namespaces.ts'
import { migrations } from './rows.ts'
import { settings } from './settings.ts'

export const muc = defineModule({
  name: 'muc',
  about: 'Rooms in which people from all servers talk with each other.',
  xeps: [xep(45, '1.35.5', 'partial')],
  needs: { discovery },
  settings,
  migrations,

  setup(host): Context | undefined {
    const { domain, needs, serve, settings } = host
    if (!settings.enabled) return undefined
    const jid = Jid.of('', `${settings.name ?? 'conference'}.${domain}`)
    const service = serve(jid.domain, { island: name => context.rooms.at(name) })
    const context = new Context(host, jid, service)
    // §10.1.2: an instant room.
    context.iq.set(MucOwner, 'query', ({ room, from, payload }) => {
      must('configure', room.standingOf(from), room.config)
      if (payload.child(Forms, 'x')?.attrs['type'] !== 'submit') throw new StanzaError('feature-not-implemented')
      room.isLocked = false
    })
    describeService(context)
    describeRooms(context)
    needs.discovery.host.items.push(() => [{ jid: String(jid) }])
    return context
  },
})

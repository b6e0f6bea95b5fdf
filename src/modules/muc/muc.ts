// XEP-0045: Multi-User Chat

import { defineModule, xep } from '../../core/module.ts'
import { hostClosed, hostClosing } from '../../core/points.ts'
import { Jid } from '../../xmpp/jid.ts'
import { commands } from '../commands/commands.ts'
import { discovery } from '../discovery.ts'
import { answerAdmins } from './admin.ts'
import { Context } from './context.ts'
import { describeRooms, describeService } from './disco.ts'
import { answerHats } from './hat-commands.ts'
import { answerInvitations } from './invite.ts'
import { Mav } from './namespaces.ts'
import { answerOwners } from './owner.ts'
import { roomEnded } from './points.ts'
import { answerRegistrations } from './register.ts'
import { leaveRooms } from './removed-account.ts'
import { migrations } from './rows.ts'
import { settings } from './settings.ts'
import { answerVoiceRequests } from './voice.ts'

export const muc = defineModule({
  name: 'muc',
  about: 'Rooms in which people from all servers talk with each other.',
  xeps: [xep(45, '1.35.5', 'partial')],
  needs: { commands, discovery },
  settings,
  migrations,

  setup(host): Context | undefined {
    const { domain, needs, on, serve, settings, track } = host
    if (!settings.enabled) return undefined
    const jid = Jid.of('', `${settings.name ?? 'conference'}.${domain}`)
    const service = serve(jid.domain, { island: name => context.rooms.at(name) })
    const context = new Context(host, jid, service)
    answerOwners(context)
    answerAdmins(context)
    answerInvitations(context)
    answerVoiceRequests(context)
    answerRegistrations(context)
    answerHats(context)
    context.described.roomFeatures.push(() => [Mav.uri])
    leaveRooms(context, host)
    on(roomEnded, function shredRoom({ config, state }) {
      // What lasts is shredded by who destroys it.
      if (!config.isPersistent) track(context.rooms.rows.shred(state))
    })
    on(hostClosing, function keepOccupants() {
      context.isClosing = true
    })
    on(hostClosed, function suspendRooms() {
      return context.rooms.suspend()
    })
    track(context.rooms.resume())
    describeService(context)
    describeRooms(context)
    needs.discovery.host.items.push(() => [{ jid: String(jid) }])
    return context
  },
})

// XEP-0045: Multi-User Chat

import { defineModule, xep } from '../../core/module.ts'
import { hostClosed, hostClosing } from '../../core/points.ts'
import { Jid } from '../../xmpp/jid.ts'
import { commands } from '../commands/commands.ts'
import { discovery } from '../discovery.ts'
import { showActivity } from './activity.ts'
import { answerAdmins } from './admin.ts'
import { Archives, archiveMigrations } from './archive/archives.ts'
import { keepSpeech } from './archive/keeping.ts'
import { answerQueries } from './archive/requests.ts'
import { cardMigrations, showCards } from './card.ts'
import { Context } from './context.ts'
import { describeRooms, describeService } from './disco.ts'
import { answerHats } from './hat-commands.ts'
import { answerInvitations } from './invite.ts'
import { letModerate } from './moderate.ts'
import { Mav } from './namespaces.ts'
import { answerOwners } from './owner.ts'
import { roomEnded } from './points.ts'
import { answerRegistrations } from './register.ts'
import { departureMigrations, leaveRooms } from './removed-account.ts'
import { Retractions } from './retract.ts'
import { laterMigrations, migrations } from './rows.ts'
import { letSearch } from './search/requests.ts'
import { type MucSettings, settings } from './settings.ts'
import { keepPace } from './slow-mode.ts'
import { answerVoiceRequests } from './voice.ts'

const addressOf = (domain: string, { name = 'conference' }: MucSettings): string => `${name}.${domain}`

export const muc = defineModule({
  name: 'muc',
  about: 'Rooms in which people from all servers talk with each other.',
  xeps: [
    xep(45, '1.35.5', 'complete', 'no fully-anonymous rooms, and no forms that ask for names and e-mail addresses'),
    xep(249, '1.2', 'complete', 'passed on as they are'),
    xep(317, '0.3.1'),
    xep(410, '1.1.0'),
    xep(421, '1.0.1'),
    xep(425, '0.3.0'),
    xep(433, '0.1.0'),
    xep(463, '0.2.0'),
    xep(486, '0.1.0'),
    xep(500, '0.1.1'),
    xep(502, '0.1.0'),
  ],
  needs: { commands, discovery },
  settings,
  migrations: [...migrations, ...archiveMigrations, ...cardMigrations, ...departureMigrations, ...laterMigrations],

  addressOf: (domain, settings) => (settings.enabled ? addressOf(domain, settings) : undefined),

  setup(host): Context | undefined {
    const { domain, needs, on, serve, settings, track } = host
    if (!settings.enabled) return undefined
    const jid = Jid.of('', addressOf(domain, settings))
    const service = serve(jid.domain, { island: name => context.rooms.at(name) })
    const context = new Context(host, jid, service)
    answerOwners(context)
    answerAdmins(context)
    answerInvitations(context)
    answerVoiceRequests(context)
    answerRegistrations(context)
    answerHats(context)
    context.described.roomFeatures.push(() => [Mav.uri])
    on(roomEnded, function shredRoom({ config, state }) {
      // What lasts is shredded by who destroys it.
      if (!config.isPersistent) track(context.rooms.rows.shred(state).catch(error => context.failed('muc', error)))
    })
    on(hostClosing, function keepOccupants() {
      context.isClosing = true
    })
    on(hostClosed, function suspendRooms() {
      return context.rooms.suspend()
    })
    track(context.rooms.resume())
    leaveRooms(context, host)
    describeService(context)
    describeRooms(context)
    const archives = new Archives(host)
    keepSpeech(host, archives)
    answerQueries(context, archives, host.log)
    letModerate(context, archives, new Retractions(host, archives))
    showCards(context, host)
    showActivity(context, host.on)
    letSearch(context)
    keepPace(context, host.on)
    needs.discovery.host.items.push(() => [{ jid: String(jid) }])
    return context
  },
})

// XEP-0045: Multi-User Chat

import { defineModule, xep } from '../../core/module.ts'
import { Forms } from '../../xmpp/forms.ts'
import { Jid } from '../../xmpp/jid.ts'
import { discovery } from '../discovery.ts'
import { must } from './access.ts'
import { Archives, archiveMigrations } from './archive/archives.ts'
import { keepSpeech } from './archive/keeping.ts'
import { answerQueries } from './archive/requests.ts'
import { readConfigForm } from './config-form.ts'
import { Context } from './context.ts'
import { letModerate } from './moderate.ts'
import { MucOwner } from './namespaces.ts'
import { Retractions } from './retract.ts'
import { migrations } from './rows.ts'
import { settings } from './settings.ts'

export const muc = defineModule({
  name: 'muc',
  about: 'Rooms in which people from all servers talk with each other.',
  xeps: [xep(45, '1.35.5', 'partial'), xep(425, '0.3.0')],
  needs: { discovery },
  settings,
  migrations: [...migrations, ...archiveMigrations],

  setup(host) {
    const { domain, needs, serve, settings } = host
    if (!settings.enabled) return
    const jid = Jid.of('', `${settings.name ?? 'conference'}.${domain}`)
    const service = serve(jid.domain, { island: name => context.rooms.at(name) })
    const context = new Context(host, jid, service)
    // §10.1.2, §10.1.3.
    context.iq.set(MucOwner, 'query', ({ room, from, payload }) => {
      must('configure', room.standingOf(from), room.config)
      const submitted = readConfigForm(payload.child(Forms, 'x'), room.config, settings)
      if (submitted === undefined) return
      room.isLocked = false
      return context.rooms.change(room, state => {
        state.config = submitted.config
      })
    })
    const archives = new Archives(host)
    keepSpeech(host, archives)
    answerQueries(context, archives, host.log)
    letModerate(context, archives, new Retractions(host, archives))
    needs.discovery.host.items.push(() => [{ jid: String(jid) }])
  },
})

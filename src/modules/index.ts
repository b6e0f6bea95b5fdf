/** Every module, in the order in which their handlers run within a point. Move a line and you move the order: read it as one. */
import type { Module } from '../core/module.ts'
import { archive } from './archive/archive.ts'
import { avatar } from './avatar/avatar.ts'
import { blocking } from './blocking/blocking.ts'
import { bookmarks } from './bookmarks/bookmarks.ts'
import { caps } from './caps/caps.ts'
import { carbons } from './carbons.ts'
import { clientAccess } from './client-access/client-access.ts'
import { commands } from './commands/commands.ts'
import { contact } from './contact.ts'
import { csi } from './csi/csi.ts'
import { dataPolicy } from './data-policy.ts'
import { discovery } from './discovery.ts'
import { displayed } from './displayed.ts'
import { invites } from './invites/invites.ts'
import { muc } from './muc/muc.ts'
import { offline } from './offline/offline.ts'
import { personalEvents } from './personal-events.ts'
import { ping } from './ping.ts'
import { presence } from './presence/presence.ts'
import { privateXml } from './private-xml.ts'
import { pubsub } from './pubsub/pubsub.ts'
import { pubsubService } from './pubsub/service.ts'
import { recovery } from './recovery.ts'
import { registration } from './registration/registration.ts'
import { retention } from './retention/retention.ts'
import { roster } from './roster/roster.ts'
import { stanzaId } from './stanza-id.ts'
import { time } from './time.ts'
import { vcard } from './vcard/vcard.ts'
import { version } from './version.ts'

export const modules: readonly Module[] = [
  blocking,
  roster,
  presence,
  discovery,
  caps,
  commands,
  retention,
  dataPolicy,
  clientAccess,
  ping,
  version,
  time,
  contact,
  stanzaId,
  archive,
  privateXml,
  pubsub,
  pubsubService,
  muc,
  avatar,
  vcard,
  bookmarks,
  displayed,
  personalEvents,
  carbons,
  csi,
  offline,
  invites,
  registration,
  recovery,
]

/** A room that is in memory alone, as it is written down while the server does not run. */
import type { ServerBox } from '../../core/server-boxes.ts'
import { parseElement } from '../../xml/parser.ts'
import { Affiliations } from './affiliations.ts'
import { type RoomConfig, readConfig, writeConfig } from './config.ts'
import { Hats, type WrittenHats } from './hats.ts'
import type { Lasting } from './rows.ts'
import type { Affiliation } from './standing.ts'

export interface WrittenRoom {
  readonly id: string
  readonly creator: string
  readonly config: Partial<RoomConfig>
  readonly password: string
  readonly affiliations: readonly (readonly [jid: string, affiliation: Affiliation, nick: string | null, reason: string | null])[]
  readonly version: string
  readonly hats: WrittenHats
  readonly subject: string | null
  readonly occupantSecret: string
}

export const writeRoom = (state: Lasting): WrittenRoom => ({
  id: state.id.toString('base64'),
  creator: state.creator,
  config: writeConfig(state.config),
  password: state.config.password,
  affiliations: Array.from(state.affiliations.entries(), ([jid, { affiliation, nick, reason }]) => [
    jid,
    affiliation,
    nick ?? null,
    reason ?? null,
  ]),
  version: state.affiliations.versions.latest,
  hats: state.hats.toJSON(),
  subject: state.subject === undefined ? null : String(state.subject),
  occupantSecret: state.occupantSecret.toString('base64'),
})

export const readRoom = (name: string, written: WrittenRoom, box: ServerBox): Lasting => ({
  name,
  id: Buffer.from(written.id, 'base64'),
  creator: written.creator,
  box,
  config: { ...readConfig(written.config), password: written.password },
  affiliations: new Affiliations(
    written.affiliations.map(([jid, affiliation, nick, reason]) => [
      jid,
      { affiliation, ...(nick !== null && { nick }), ...(reason !== null && { reason }) },
    ]),
    written.version,
  ),
  hats: new Hats(written.hats),
  subject: written.subject === null ? undefined : parseElement(written.subject),
  occupantSecret: Buffer.from(written.occupantSecret, 'base64'),
})

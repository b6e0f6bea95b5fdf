/** Lists of who is what in a room (XEP-0045 §8.5, §9.2, §9.5, §9.8, §10.5, §10.8). */
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Action, must } from './access.ts'
import { MucAdmin } from './namespaces.ts'
import type { Room } from './room.ts'
import { type Affiliation, compare, type Role, type Standing } from './standing.ts'

const BY_AFFILIATION: Readonly<Partial<Record<string, Action>>> = {
  owner: 'listOwners',
  admin: 'listAdmins',
  member: 'listMembers',
  outcast: 'listOutcasts',
}
const BY_ROLE: Readonly<Partial<Record<string, Action>>> = {
  moderator: 'listModerators',
  participant: 'listVoice',
  visitor: 'listVoice',
}

/** All that is asked for, each list once. */
export function listsOf(room: Room, standing: Standing, query: Element): Element {
  const items = query.all(MucAdmin, 'item')
  if (items.length === 0) throw new StanzaError('bad-request', 'it is not said which list')
  const lists = new Map<string, Element[]>()
  for (const { attrs } of items) {
    const { affiliation, role } = attrs
    if ((role === undefined) === (affiliation === undefined)) throw new StanzaError('bad-request', 'a role or an affiliation is needed')
    const action = affiliation === undefined ? BY_ROLE[role!] : BY_AFFILIATION[affiliation]
    if (action === undefined) throw new StanzaError('bad-request', 'there is no such list')
    must(action, standing, room.config)
    const key = `${affiliation} ${role}`
    if (lists.has(key)) continue
    lists.set(key, affiliation === undefined ? withRole(room, role as Role) : withAffiliation(room, affiliation as Affiliation, standing))
  }
  return MucAdmin('query', {}, ...[...lists.values()].flat())
}

/** §17.4: without roles. Why somebody is what he is concerns admins. */
function withAffiliation({ affiliations }: Room, affiliation: Affiliation, standing: Standing): Element[] {
  const showsReasons = compare(standing.affiliation, 'admin') >= 0
  return [...affiliations.having(affiliation)].map(jid => {
    const { nick, reason } = affiliations.get(jid)!
    const inside = showsReasons && reason !== undefined ? [MucAdmin('reason', {}, reason)] : []
    return MucAdmin('item', { affiliation, jid, nick }, ...inside)
  })
}

const withRole = (room: Room, role: Role): Element[] =>
  [...room.occupants.all()]
    .filter(occupant => occupant.role === role)
    .map(occupant => MucAdmin('item', { nick: occupant.nick, role, affiliation: room.affiliationOf(occupant), jid: occupant.latest?.to }))

/** What the service and its rooms are, and what is there (XEP-0045 §6, §7.12, §18.1.1). */
import type { Request } from '../../core/module.ts'
import type { Element } from '../../xml/element.ts'
import { DiscoInfo, DiscoItems, type Item, infoElement, itemsElement } from '../../xmpp/disco.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, formElement } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { pageElement, readPage } from '../../xmpp/rsm.ts'
import type { Nodes } from '../discovery.ts'
import { may } from './access.ts'
import type { Context, RoomRequest } from './context.ts'
import { findable } from './findable.ts'
import { Muc, OccupantIds, Ping, StanzaIds } from './namespaces.ts'
import type { Room } from './room.ts'

/** So many rooms are named at once (§6.3). */
const PAGE = 100

const STABLE_ID = `${Muc.uri}#stable_id`
/** Of the service and of each room: XEP-0421 §4 says it of both where it is so in all rooms. */
const FEATURES = [Muc.uri, STABLE_ID, OccupantIds.uri, DiscoItems.uri, Ping.uri]
/** §16.3; XEP-0077 §10. */
const FORMS = ['register', 'roomconfig', 'roominfo'].map(form => `${Muc.uri}#${form}`)
const ROOM_FEATURES = [...FEATURES, ...FORMS, 'jabber:iq:register', `${Muc.uri}#self-ping-optimization`, StanzaIds.uri]

/** What other parts have to say of rooms. */
export class Described {
  /** Of the service. */
  readonly features: string[] = [...FEATURES]
  readonly roomFeatures: ((room: Room) => Iterable<string>)[] = []
  /** In the form of what is said of a room (§6.4). */
  readonly fields: ((room: Room) => Iterable<Field>)[] = []
  /** Other forms (XEP-0128). */
  readonly forms: ((room: Room) => Iterable<Element>)[] = []
  /** Nodes of rooms. */
  readonly nodes: Nodes<RoomRequest>[] = [{ info: ownNick, items: () => undefined }, { info: traffic }]
}

/** §6.2, §6.3. */
export function describeService(context: Context): void {
  const { described, service } = context
  service.iq.get(DiscoInfo, 'query', ({ payload }) => {
    mustBeNoNode(payload)
    return infoElement({ identities: [{ category: 'conference', type: 'text', name: 'Rooms' }], features: described.features, forms: [] })
  })
  service.iq.get(DiscoItems, 'query', request => listRooms(context, request))
  service.iq.get(Ping, 'ping', () => {})
}

async function listRooms({ limits, rooms }: Context, { from, payload }: Request): Promise<Element> {
  mustBeNoNode(payload)
  limits.request(String(from))
  const { items, page } = await findable(rooms, readPage(payload, PAGE))
  const answer = itemsElement(items)
  return items.length < page.count! ? answer.add(pageElement(page)) : answer
}

/** §6.4, §6.5. */
export function describeRooms({ described, iq }: Context): void {
  iq.get(DiscoInfo, 'query', async request => {
    const { node = '' } = request.payload.attrs
    if (node === '') return describe(described, request)
    for (const nodes of described.nodes) {
      const info = await nodes.info?.(node, request)
      if (info !== undefined) return info.identities.length > 0 ? infoElement(info, node) : DiscoInfo('query', { node })
    }
    throw new StanzaError('item-not-found')
  })
  iq.get(DiscoItems, 'query', async request => {
    const { node = '' } = request.payload.attrs
    if (node === '') return itemsElement(listOccupants(request))
    for (const nodes of described.nodes) {
      const items = await nodes.items?.(node, request)
      if (items !== undefined) return itemsElement(items, node)
    }
    throw new StanzaError('item-not-found')
  })
  iq.get(Ping, 'ping', () => {})
}

function describe({ roomFeatures, fields, forms }: Described, { room, from }: RoomRequest): Element {
  const { config } = room
  const kinds = [
    config.isPublic ? 'muc_public' : 'muc_hidden',
    config.isMembersOnly ? 'muc_membersonly' : 'muc_open',
    config.isModerated ? 'muc_moderated' : 'muc_unmoderated',
    config.whois === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous',
    config.password === '' ? 'muc_unsecured' : 'muc_passwordprotected',
    config.isPersistent ? 'muc_persistent' : 'muc_temporary',
  ]
  const info = formElement('result', `${Muc.uri}#roominfo`, [...fieldsOf(room, from), ...fields.flatMap(say => [...say(room)])])
  return infoElement({
    identities: [{ category: 'conference', type: 'text', name: config.name === '' ? room.state.name : config.name }],
    features: [...ROOM_FEATURES, ...kinds, ...roomFeatures.flatMap(say => [...say(room)])],
    forms: [info, ...forms.flatMap(say => [...say(room)])],
  })
}

function fieldsOf(room: Room, asking: Jid): Field[] {
  const { config, occupants, state, history } = room
  // §14.4: what is talked about is for those who may hear it.
  const subject = may('readArchive', room.standingOf(asking), config) ? state.subject : undefined
  const text = (name: string, value: string | undefined): Field[] =>
    value === undefined || value === '' ? [] : [{ var: name, type: 'text-single', values: [value] }]
  return [
    ...text('muc#roominfo_description', config.description),
    ...text('muc#roominfo_subject', subject?.elements().find(({ name }) => name === 'subject')?.text),
    { var: 'muc#roomconfig_changesubject', type: 'boolean', values: [config.changeSubject ? '1' : '0'] },
    ...text('muc#roominfo_occupants', String(occupants.size)),
    ...text('muc#roominfo_lang', config.language),
    ...text('muc#maxhistoryfetch', String(Math.min(config.maxHistory, history.most))),
    ...text('muc#roomconfig_pubsub', config.pubsub),
  ]
}

/** §6.5: none but those who see them anyway. */
function* listOccupants({ room, from }: RoomRequest): Iterable<Item> {
  const viewer = room.occupants.visit(from)?.occupant
  if (viewer === undefined) return
  for (const occupant of room.occupants.all()) if (room.sees(viewer, occupant)) yield { jid: String(occupant.jid) }
}

/** §7.12: the nick that is reserved for who asks. */
function ownNick(node: string, { room, from }: RoomRequest): ReturnType<NonNullable<Nodes<RoomRequest>['info']>> {
  if (node !== 'x-roomuser-item') return undefined
  const nick = room.affiliations.nickOf(from)
  return { identities: nick === undefined ? [] : [{ category: 'conference', type: 'text', name: nick }], features: [], forms: [] }
}

/** §18.1.1: what is said goes through as it is. */
function traffic(node: string): undefined {
  if (node === `${Muc.uri}#traffic`) throw new StanzaError('service-unavailable')
}

function mustBeNoNode({ attrs: { node = '' } }: Element): void {
  if (node !== '') throw new StanzaError('item-not-found')
}

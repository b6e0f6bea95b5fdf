import type { Item } from '../../xmpp/disco.ts'
import { Jid } from '../../xmpp/jid.ts'
import { namedIn, type Page, type PageRequest, pageFrom, rangeOf } from '../../xmpp/rsm.ts'
import type { RoomConfig } from './config.ts'
import type { Rooms } from './rooms.ts'

interface Findable {
  readonly name: string
  readonly config: RoomConfig
}

/** Those of the rooms that can be found (XEP-0045 §6.3) which are asked for: first those on disk by name, then those in memory alone. */
export async function findable(rooms: Rooms, request: PageRequest): Promise<{ items: Item[]; page: Page }> {
  const { rows, context } = rooms
  const kept = await rows.countListed()
  const passing = passingOf(rooms)
  const named = namedIn(request)
  const { start, end } = rangeOf(request, kept + passing.length, named === undefined ? undefined : await placeOf(named))
  const listed = start < kept && end > start ? await rows.listed(start, Math.min(end, kept) - start) : []
  const all = [...listed, ...passing.slice(Math.max(0, start - kept), Math.max(0, end - kept))]
  const items = all.map(({ name, config }) => ({ jid: `${name}@${context.jid.domain}`, name: config.name === '' ? name : config.name }))
  const page = pageFrom(
    items.map(({ jid }) => jid),
    start,
    kept + passing.length,
  )
  return { items, page }

  async function placeOf(id: string): Promise<number> {
    const { local, domain } = Jid.parse(id)
    if (domain !== context.jid.domain) return -1
    const place = passing.findIndex(({ name }) => name === local)
    return place === -1 ? rows.placeListed(local) : kept + place
  }
}

const passingOf = (rooms: Rooms): Findable[] =>
  [...rooms.all()]
    .filter(({ config, isLocked }) => config.isPublic && !config.isPersistent && !isLocked)
    .map(({ config, state }) => ({ name: state.name, config }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

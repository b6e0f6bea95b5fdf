import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { NodeLimits } from './config-fields.ts'
import type { Context } from './context.ts'
import { createNode } from './create.ts'
import { dayOf } from './day.ts'
import { itemsEvent, retractEvent } from './events.ts'
import { mustBeName } from './ids.ts'
import { type Item, type ItemHead, type Leaving, leavingOf, type Node, sizeOf, weightOf } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Place } from './place.ts'
import { refusal } from './refusal.ts'

const LARGEST_REMEMBERED = 16_384

export interface NewItem {
  readonly id: string
  readonly payload: Element | undefined
}

/** What happens to the items of one node, checked and ready to be written. */
export interface Change {
  readonly node: Node
  readonly isNew: boolean
  readonly items: readonly Item[]
  /** Ids of items that are there and shall not be. */
  readonly retracted: readonly string[]
  /** Of those that have to make room (§7.1.2.5, §12.8). */
  readonly surplus: readonly string[]
  /** So many bytes more are there, or fewer. */
  readonly growth: number
  /** What subscribers are told of the retracted ones. */
  readonly events: readonly Element[]
  readonly by: Jid
}

/** What a change is of. */
type Subject = Pick<Change, 'node' | 'by'> & {
  readonly isNew?: boolean
  /** The items that there are, if they are known. */
  readonly heads?: readonly ItemHead[] | undefined
}

/** Throws what §7.1.3 says of items that cannot be published. */
export async function changeOf(
  place: Place,
  { node, by, isNew = false, heads: known }: Subject,
  { publish = [], retracted = [] }: { readonly publish?: readonly NewItem[]; readonly retracted?: readonly string[] },
  ...events: Element[]
): Promise<Change> {
  const items = publish.map(item => makeItem(place, node.config, item, by))
  const change = { node, isNew, items, retracted, events, by }
  if (!node.config.persistItems) return { ...change, surplus: [], growth: 0 }
  const most = items.length === 0 ? Number.POSITIVE_INFINITY : roomFor(place, node.config, items)
  const ids = [...new Set([...retracted, ...items.map(({ id }) => id)])]
  const { named, oldest } = await leaving(place, { node, isNew, heads: known }, ids, most)
  if (oldest.length > 0 && node.config.whenFull === 'reject') throw refusal('conflict', 'node-full')
  const more = items.reduce((sum, item) => sum + weightOf(item), 0)
  return { ...change, surplus: oldest.map(({ id }) => id), growth: more - sizeOf(named) - sizeOf(oldest) }
}

function leaving(
  place: Place,
  { node, isNew, heads }: Omit<Subject, 'by'>,
  ids: readonly string[],
  most: number,
): Leaving | Promise<Leaving> {
  if (isNew) return { named: [], oldest: [] }
  return heads === undefined ? place.rows(node).leaving(node, ids, most, place.clock.now()) : leavingOf(heads, ids, most)
}

function makeItem({ limits, clock }: Place, { maxPayloadSize, itemExpire }: NodeConfig, { id, payload }: NewItem, by: Jid): Item {
  const xml = payload === undefined ? '' : String(payload)
  if (Buffer.byteLength(xml) > largestOf(limits, maxPayloadSize)) throw refusal('not-acceptable', 'payload-too-big')
  const now = clock.now()
  const expiresAt = itemExpire === 'max' ? undefined : now + itemExpire * 1000
  return { id, publisher: String(by.bare), at: dayOf(now), expiresAt, payload: xml }
}

/** The bytes that a payload may have. */
export const largestOf = (limits: NodeLimits, largest: NodeConfig['maxPayloadSize']): number =>
  largest === 'max' ? limits.payload : Math.min(largest, limits.payload)

/** How many others may stay. */
function roomFor({ limits }: Place, { maxItems }: NodeConfig, items: readonly Item[]): number {
  const most = maxItems === 'max' ? limits.items : Math.min(maxItems, limits.items)
  if (items.length > most) throw refusal('not-allowed', 'max-items-exceeded')
  return most - items.length
}

/** What another module wants to happen to a node. It is made where it is not there, but for `config` as is usual for its name. */
export interface NodeChange {
  readonly node: string
  readonly publish?: readonly { readonly id: string; readonly payload: Element }[]
  /** Ids; what is not there is passed over. */
  readonly retract?: readonly string[]
  readonly config?: Partial<NodeConfig>
}

/** Ready to be written in the name of `by`, who may do everything. */
export async function changesOf(place: Place, wanted: readonly NodeChange[], by: Jid): Promise<Change[]> {
  const changes: Change[] = []
  for (const { node: name, publish = [], retract = [], config = {} } of wanted) {
    for (const { id } of publish) mustBeName(id)
    const found = place.find(name)
    const unwanted = new Set(retract)
    const heads = found?.config.persistItems ? await place.rows(found).heads(found, place.clock.now()) : []
    const retracted = heads.map(({ id }) => id).filter(id => unwanted.has(id))
    if (publish.length + retracted.length === 0) continue
    const node = found ?? createNode(place, name, { ...place.usual(name), ...config }, by)
    const events = retracted.map(id => retractEvent(node, [id]))
    changes.push(await changeOf(place, { node, isNew: found === undefined, by, heads }, { publish, retracted }, ...events))
  }
  return changes
}

/** Makes these changes, and `also` what it says: all, or none. Then subscribers are told, and other modules. */
export async function commit(
  context: Context,
  place: Place,
  changes: readonly Change[],
  also?: (db: Db) => Promise<unknown>,
): Promise<void> {
  const growth = growthBy(changes)
  // Several nodes at once are of one account.
  const creator = changes[0]?.node.creator ?? ''
  if (growth > 0) await place.mustHaveRoom(creator, growth)
  await place.change(async db => {
    await write(place, changes, db)
    await also?.(db)
  })
  place.grow(creator, growth)
  await tellAll(context, place, changes)
}

/** So many bytes more are there after these changes, or fewer. */
export const growthBy = (changes: readonly Change[]): number => changes.reduce((sum, { growth }) => sum + growth, 0)

/** Within a change of the place. */
export async function write(place: Place, changes: readonly Change[], db: Db): Promise<void> {
  for (const { node, isNew, items, retracted, surplus } of changes) {
    if (isNew) await place.add(node, db)
    if (!node.config.persistItems) continue
    const rows = place.rows(node, db)
    if (retracted.length + surplus.length > 0) await rows.removeItems(node, [...retracted, ...surplus])
    if (items.length > 0) await rows.putItems(node, items)
  }
}

/** Once it is safe on disk. */
export async function tellAll(context: Context, place: Place, changes: readonly Change[]): Promise<void> {
  for (const change of changes) await tell(context, place, change)
  for (const { node, items, retracted, surplus, by } of changes) {
    if (items.length > 0) await context.published(place, node, items, by)
    if (retracted.length + surplus.length > 0) await context.removed(place, node, [...retracted, ...surplus], by)
  }
}

async function tell({ notifier }: Context, place: Place, { node, items, surplus, events, by }: Change): Promise<void> {
  const { config } = node
  if (!config.persistItems) node.latest = rememberable(items.at(-1))
  for (const event of events) await notifier.tell(place, node, event, by)
  // Clients look for one item in a notification: publishing several at once was taken out of XEP-0060 with version 1.13.
  for (const item of items) await notifier.tell(place, node, itemsEvent(node, [item]), by)
  // A new item of a node that has one alone stands for the old one (§12.19).
  if (surplus.length > 0 && config.maxItems !== 1 && config.notifyRetract && config.whenFull === 'retract-oldest')
    await notifier.tell(place, node, retractEvent(node, surplus), by)
}

/** What a node that keeps nothing knows of its last item: in memory there is room for small ones. */
const rememberable = (item: Item | undefined): Item | undefined =>
  item === undefined || item.payload.length <= LARGEST_REMEMBERED ? item : undefined

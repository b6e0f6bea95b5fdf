import type { Affiliation } from './access.ts'
import type { NodeConfig } from './node-config.ts'
import { type Subscription, Subscriptions } from './subscription.ts'

/** A node in memory, as it is on disk (XEP-0060 §4). Its items are in the store. */
export class Node {
  readonly name: string
  config: NodeConfig
  /** A bare address. */
  readonly creator: string
  /** In ms: the beginning of the day. */
  readonly createdAt: number
  /** By bare address; whoever is not there has none. The account is the owner of its nodes without being there. */
  readonly affiliations: Map<string, Affiliation>
  readonly subscriptions: Subscriptions
  /** The place of the newest item in the order of items; 0 where there was none. */
  last = 0
  /** Of a node that keeps nothing: what was published last since the start (XEP-0060 §12.7). */
  latest: Item | undefined
  /** Of a private node: the number under which it is sealed. */
  seal: number | undefined

  constructor(
    of: Pick<Node, 'name' | 'config' | 'creator' | 'createdAt'> &
      Partial<Pick<Node, 'affiliations' | 'last' | 'seal'>> & { readonly subscriptions?: ReadonlyMap<string, Subscription> },
  ) {
    this.name = of.name
    this.config = of.config
    this.creator = of.creator
    this.createdAt = of.createdAt
    this.affiliations = of.affiliations ?? new Map()
    this.subscriptions = new Subscriptions(of.subscriptions?.values())
    this.last = of.last ?? 0
    this.seal = of.seal
  }
}

/** What was published (XEP-0060 §12.1). */
export interface Item {
  readonly id: string
  /** The bare address of the publisher. */
  readonly publisher: string
  /** In ms: the beginning of the day on which it was published. */
  readonly at: number
  /** In ms. */
  readonly expiresAt: number | undefined
  /** Its payload as XML; '' for none. */
  readonly payload: string
}

/** The same without what is in it. */
export interface ItemHead {
  readonly id: string
  readonly publisher: string
  /** What it counts for. */
  readonly size: number
}

/** Items that go: some by their names, and the oldest of the others, if those are too many. */
export interface Leaving {
  readonly named: readonly ItemHead[]
  readonly oldest: readonly ItemHead[]
}

/** At most so many of the others stay. */
export function leavingOf(heads: readonly ItemHead[], ids: readonly string[], most: number): Leaving {
  const wanted = new Set(ids)
  const others = heads.filter(({ id }) => !wanted.has(id))
  return { named: heads.filter(({ id }) => wanted.has(id)), oldest: others.slice(0, Math.max(0, others.length - most)) }
}

/** What a row costs beside what is in it, about, in bytes. */
const ROW = 100

/** What an item counts for, in bytes. */
export const weightOf = ({ id, payload }: Pick<Item, 'id'> & { readonly payload: { readonly length: number } }): number =>
  ROW + id.length + payload.length

/** Of all of them. */
export const sizeOf = (heads: Iterable<Pick<ItemHead, 'size'>>): number => {
  let all = 0
  for (const { size } of heads) all += size
  return all
}

import type { Account } from '../../core/account.ts'
import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { isPrivate, may } from './access.ts'
import type { AccountPlace } from './account-place.ts'
import { changesOf, commit, largestOf, type NodeChange } from './change.ts'
import type { Context } from './context.ts'
import { read, readLast } from './items.ts'
import type { Item } from './node.ts'
import type { NodeConfig } from './node-config.ts'

export interface PublishedItem {
  readonly id: string
  /** Undefined where it has none. */
  readonly payload: Element | undefined
  /** A bare address. */
  readonly publisher: string
}

/** Items of a node that a client publishes, or takes away. */
export interface ClientChange {
  readonly published: readonly PublishedItem[]
  /** Ids. */
  readonly retracted: readonly string[]
}

/** In the account's turn, before anything is written: the account's nodes are as they were. */
export type Follow = (account: Account, change: ClientChange) => Promise<readonly NodeChange[]>

/**
 * The nodes of an account, for other modules: what they do is as if the owner did it. All of it in the account's turn; what is written
 * is safe on disk when it is done, and subscribers have been told. Throws the StanzaErrors that a client would get: `resource-constraint`
 * when there is no room, `not-allowed` for private nodes while the account is locked.
 */
export interface Pep {
  /** A node that is not there is made: as is usual for its name, but for `config`. `by` is the client in whose name it is published. */
  publish(
    account: Account,
    node: string,
    item: { readonly id: string; readonly payload: Element },
    options?: { readonly config?: Partial<NodeConfig>; readonly by?: Jid },
  ): Promise<void>
  /** Several changes in one transaction, and `also` what it says, even where they change nothing: all are done, or none. */
  change(account: Account, changes: readonly NodeChange[], also?: (db: Db) => Promise<unknown>): Promise<void>
  /**
   * To be called while modules are set up: when a client changes items of the node, `follow` says what shall happen in the same
   * transaction. What modules do, it is not asked about.
   */
  alongside(node: string, follow: Follow): void
  /** To be called while modules are set up: how the node is configured when it is made, if its owner does not say otherwise. */
  usually(node: string, config: Partial<NodeConfig>): void
  /** The oldest first; none where there is no such node. */
  items(account: Account, node: string): Promise<PublishedItem[]>
  /** The item of that id, or the newest. */
  item(account: Account, node: string, id?: string): Promise<PublishedItem | undefined>
  /** Passes over what is not there; tells subscribers. */
  retract(account: Account, node: string, ids: readonly string[]): Promise<void>
  /** Undefined where there is no such node. */
  configOf(account: Account, node: string): Promise<NodeConfig | undefined>
  /** Whether nobody but the owner can read the node, or could if it were there. */
  isPrivate(account: Account, node: string): Promise<boolean>
  /** Whether an item of the node may be as large as that. */
  hasRoomFor(account: Account, node: string, payload: Element): Promise<boolean>
  /** Whether everybody who sees the owner's presence may read the items of the node: false where there is none. */
  mayAllRead(account: Account, node: string): Promise<boolean>
  /** Whether somebody may read the items of the node: false where there is none. */
  mayRead(account: Account, node: string, who: Jid): Promise<boolean>
}

export const parsed = ({ id, payload, publisher }: Item): PublishedItem => ({
  id,
  payload: payload === '' ? undefined : parseElement(payload),
  publisher,
})

interface Registries {
  readonly follows: Map<string, Follow>
  readonly usual: Map<string, Partial<NodeConfig>>
}

export function pepOf(context: Context, placeOf: (account: Account) => Promise<AccountPlace>, { follows, usual }: Registries): Pep {
  async function change(
    account: Account,
    changes: readonly NodeChange[],
    also?: (db: Db) => Promise<unknown>,
    by = account.jid,
  ): Promise<void> {
    const place = await placeOf(account)
    const ready = await changesOf(place, changes, by)
    if (ready.length > 0) place.mustNotHurry(by)
    else if (also === undefined) return
    await commit(context, place, ready, also)
  }
  return {
    change,
    publish: (account, node, item, { config = {}, by } = {}) => change(account, [{ node, publish: [item], config }], undefined, by),
    retract: (account, node, ids) => change(account, [{ node, retract: ids }]),
    alongside: (node, follow) => void follows.set(node, follow),
    usually: (node, config) => void usual.set(node, config),
    async items(account, name) {
      const place = await placeOf(account)
      const node = place.find(name)
      if (node === undefined) return []
      const heads = await place.rows(node).heads(node, place.clock.now())
      const ids = heads.map(({ id }) => id)
      return (await read(place, node, ids)).map(parsed)
    },
    async item(account, name, id) {
      const place = await placeOf(account)
      const node = place.find(name)
      if (node === undefined) return undefined
      const item = id === undefined ? await readLast(place, node) : (await read(place, node, [id]))[0]
      return item && parsed(item)
    },
    async configOf(account, name) {
      return (await placeOf(account)).find(name)?.config
    },
    async isPrivate(account, name) {
      const place = await placeOf(account)
      const node = place.find(name)
      return node === undefined ? isPrivate(place.usual(name), new Map()) : node.seal !== undefined
    },
    async hasRoomFor(account, name, payload) {
      const place = await placeOf(account)
      const { maxPayloadSize } = place.find(name)?.config ?? place.usual(name)
      return Buffer.byteLength(String(payload)) <= largestOf(place.limits, maxPayloadSize)
    },
    async mayAllRead(account, name) {
      const node = (await placeOf(account)).find(name)
      if (node === undefined) return false
      return (['none', ...node.affiliations.values()] as const).every(affiliation =>
        may('retrieve', { affiliation, isSubscribed: false, seesPresence: true, groups: [] }, node.config),
      )
    },
    async mayRead(account, name, who) {
      const place = await placeOf(account)
      const node = place.find(name)
      return node !== undefined && may('retrieve', place.standingOf(node, who), node.config)
    },
  }
}

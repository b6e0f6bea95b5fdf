import type { Account } from '../../core/account.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may } from './access.ts'
import type { AccountPlace } from './account-place.ts'
import type { Context } from './context.ts'
import { read, readLast } from './items.ts'
import type { Item } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import { publish } from './publish.ts'
import { retract } from './retract.ts'

export interface PublishedItem {
  readonly id: string
  /** Undefined where it has none. */
  readonly payload: Element | undefined
  /** A bare address. */
  readonly publisher: string
}

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
  /** The oldest first; none where there is no such node. */
  items(account: Account, node: string): Promise<PublishedItem[]>
  /** The item of that id, or the newest. */
  item(account: Account, node: string, id?: string): Promise<PublishedItem | undefined>
  /** Passes over what is not there; tells subscribers. */
  retract(account: Account, node: string, ids: readonly string[]): Promise<void>
  /** Undefined where there is no such node. */
  configOf(account: Account, node: string): Promise<NodeConfig | undefined>
  /** Whether somebody may read the items of the node: false where there is none. */
  mayRead(account: Account, node: string, who: Jid): Promise<boolean>
}

export const parsed = ({ id, payload, publisher }: Item): PublishedItem => ({
  id,
  payload: payload === '' ? undefined : parseElement(payload),
  publisher,
})

export function pepOf(context: Context, placeOf: (account: Account) => Promise<AccountPlace>): Pep {
  return {
    async publish(account, node, item, { config = {}, by = account.jid } = {}) {
      const place = await placeOf(account)
      const preconditions = { applyTo: (usual: NodeConfig): NodeConfig => ({ ...usual, ...config }), check() {} }
      await publish(context, place, by, { node, items: [item], preconditions })
    },
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
    async retract(account, name, ids) {
      const place = await placeOf(account)
      const node = place.find(name)
      if (node === undefined) return
      const wanted = new Set(ids)
      const there = (await place.rows(node).heads(node, place.clock.now())).map(({ id }) => id).filter(id => wanted.has(id))
      if (there.length > 0) await retract(context, place, account.jid, name, there, true)
    },
    async configOf(account, name) {
      return (await placeOf(account)).find(name)?.config
    },
    async mayRead(account, name, who) {
      const place = await placeOf(account)
      const node = place.find(name)
      return node !== undefined && may('retrieve', place.standingOf(node, who), node.config)
    },
  }
}

import type { Account } from '../../core/account.ts'
import type { Log } from '../../core/log.ts'
import type { Session } from '../../core/session.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { AccountPlace } from './account-place.ts'
import { changeOf, commit } from './change.ts'
import type { Context } from './context.ts'
import { retractEvent } from './events.ts'
import type { Item, Node } from './node.ts'

/** Items that go with the client that has published them (`pubsub#purge_offline`). Which one it was is known in memory alone. */
export class Fleeting {
  readonly #of = new WeakMap<Session, Map<string, Set<string>>>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Notes what a client of the account has published. */
  published(account: Account, node: Node, items: readonly Item[], by: Jid): void {
    const session = by.bare.equals(account.jid) ? account.sessions.get(by.resource) : undefined
    if (session === undefined || !node.config.purgeOffline || !node.config.persistItems) return
    const nodes = this.#of.get(session) ?? new Map<string, Set<string>>()
    this.#of.set(session, nodes)
    const ids = nodes.get(node.name) ?? new Set<string>()
    for (const { id } of items) nodes.set(node.name, ids.add(id))
  }

  /** The client is not available any more. */
  left(context: Context, place: () => Promise<AccountPlace>, session: Session): void | Promise<void> {
    const nodes = this.#of.get(session)
    this.#of.delete(session)
    return nodes && this.#removeAll(context, place, nodes)
  }

  /** Of nodes that have just been read: what none of the clients that are there has published is from before a start. */
  async sweep(context: Context, place: AccountPlace): Promise<void> {
    const those = [...place.account.sessions.values()].map(session => this.#of.get(session))
    for (const { name } of [...place.all()]) await this.#remove(context, place, name, id => !those.some(nodes => nodes?.get(name)?.has(id)))
  }

  async #removeAll(context: Context, placeOf: () => Promise<AccountPlace>, nodes: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    const place = await placeOf()
    for (const [name, ids] of nodes) await this.#remove(context, place, name, id => ids.has(id))
  }

  /** However much was changed of late. Whoever goes has nothing to do with it if it fails. */
  async #remove(context: Context, place: AccountPlace, name: string, isToGo: (id: string) => boolean): Promise<void> {
    const node = place.find(name)
    if (!node?.config.purgeOffline || !node.config.persistItems) return
    try {
      const heads = await place.rows(node).heads(node, place.clock.now())
      const retracted = heads.map(({ id }) => id).filter(isToGo)
      if (retracted.length === 0) return
      const events = node.config.notifyRetract ? [retractEvent(node, retracted)] : []
      const change = await changeOf(place, { node, by: place.jid, heads }, { retracted }, ...events)
      await commit(context, place, [change, ...(await context.alongside(place, change))])
    } catch (error) {
      this.#log.fault('pubsub.fleeting', error)
    }
  }
}

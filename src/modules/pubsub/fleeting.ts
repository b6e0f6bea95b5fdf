import type { Account } from '../../core/account.ts'
import type { Session } from '../../core/session.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { AccountPlace } from './account-place.ts'
import type { Context } from './context.ts'
import type { Item, Node } from './node.ts'
import { retract } from './retract.ts'

/** Items that go with the client that has published them (`pubsub#purge_offline`). Which one it was is known in memory alone. */
export class Fleeting {
  readonly #of = new WeakMap<Session, Map<string, Set<string>>>()

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
    return nodes && retractAll(context, place, nodes)
  }

  /** After a start no client is there that has published something. */
  static async sweep(context: Context, place: AccountPlace): Promise<void> {
    if (place.account.sessions.size > 0) return
    for (const { name, config } of [...place.all()]) if (config.purgeOffline) await retractThose(context, place, name)
  }
}

async function retractAll(
  context: Context,
  place: () => Promise<AccountPlace>,
  nodes: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<void> {
  for (const [name, ids] of nodes) await retractThose(context, await place(), name, ids)
}

/** Those that are still there, or all. */
async function retractThose(context: Context, place: AccountPlace, name: string, ids?: ReadonlySet<string>): Promise<void> {
  const node = place.find(name)
  if (!node?.config.purgeOffline || !node.config.persistItems) return
  const heads = await place.rows(node).heads(node, place.clock.now())
  const gone = heads.map(({ id }) => id).filter(id => ids?.has(id) ?? true)
  if (gone.length > 0) await retract(context, place, place.jid, name, gone, false)
}

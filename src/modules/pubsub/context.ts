import type { Jid } from '../../xmpp/jid.ts'
import type { Change } from './change.ts'
import type { Item, Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Notifier } from './notifier.ts'
import type { Place } from './place.ts'

/** What requests need beside the place that they are about. */
export interface Context {
  readonly notifier: Notifier
  /** What other modules want to happen together with a change that a client makes. */
  alongside(place: Place, change: Change): Promise<Change[]>
  /** When it is safe on disk and subscribers have been told, in the place's turn: other modules hear of it. */
  published(place: Place, node: Node, items: readonly Item[], by: Jid): Promise<void>
  /** The same: items were retracted or purged, have made room for others, or went with their node. */
  removed(place: Place, node: Node, ids: readonly string[], by: Jid): Promise<void>
  /** It is another way now: who gains access hears what was published last (§12.2). */
  configured(place: Place, node: Node, before: NodeConfig): Promise<void>
}

// XEP-0060 §12.3: handling notification-related errors

import type { Element } from '../../xml/element.ts'
import { type Condition, isCondition } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { Context } from './context.ts'
import type { Place } from './place.ts'
import { endAll } from './subscription-changes.ts'

/** There is nobody of that address, and there will not be. Of others it is not known for how long. */
const FINAL: ReadonlySet<Condition> = new Set(['gone', 'item-not-found', 'jid-malformed'])

/** A notification came back: who is not there any more is not subscribed any more, to any node. */
export async function takeBounce(context: Context, place: Place, error: Element, from: Jid): Promise<void> {
  const [condition] = error.child(Client, 'error')?.elements() ?? []
  if (condition === undefined || !isCondition(condition) || !FINAL.has(condition.name as Condition)) return
  await endAll(context, place, [from], () => true)
}

import { randomUUID } from 'node:crypto'
import { inSlices } from '../../lib/slices.ts'
import type { Element } from '../../xml/element.ts'
import { delayElement } from '../../xmpp/delay.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { itemsEvent, replyTo } from './events.ts'
import type { Item, Node } from './node.ts'
import type { Place, Receiver } from './place.ts'

/** After so many notifications all others have their turn. */
export const SLICE = 250

/** Sends notifications. What goes to many is made and serialised once. */
export class Notifier {
  readonly send: (stanza: Element) => void

  /** `send` hands to the router. */
  constructor(send: (stanza: Element) => void) {
    this.send = send
  }

  /** Tells all receivers of the node; `by` is the client that has published. Done when all have been told, in the place's turn. */
  async tell(place: Place, node: Node, event: Element, by?: Jid): Promise<void> {
    if (!node.config.deliverNotifications) return
    const message = messageFrom(place, node, event)
    // XEP-0163 §4.3.1: who may not see the owner's presence must not learn which client it was; nobody does of one that shows none.
    const signed = by !== undefined && place.isShown(by) ? message.add(replyTo(by)) : message
    await inSlices(place.receivers(node), SLICE, receiver => this.#give(place, receiver, receiver.seesPresence ? signed : message))
  }

  /** §12.16, §8.9.4: what concerns one person; whether the node notifies or not. */
  tellOne(place: Place, node: Node, event: Element, to: string): void {
    this.#give(place, { to, seesPresence: false }, messageFrom(place, node, event))
  }

  /** XEP-0060 §6.1.7 and XEP-0163 §4.3.4: the last item, with the day on which it was published. */
  tellLast(place: Place, node: Node, item: Item, receiver: Receiver): void {
    const message = messageFrom(place, node, itemsEvent(node, [item]))
    this.#give(place, receiver, message.add(delayElement(item.at)))
  }

  #give(place: Place, { to, deliver }: Receiver, message: Element): void {
    if (deliver !== undefined) deliver(message.with({ to }))
    else if (place.mayBeTold(to)) this.send(message.with({ to }))
  }
}

/** §12.3: its id is unique for the event, so that an error which comes back tells of what. */
const messageFrom = ({ jid }: Place, { config }: Node, event: Element): Element =>
  Client('message', { type: config.notificationType, id: randomUUID(), from: String(jid) }, event)

import { type Element, namespace } from '../../xml/element.ts'
import { readForwarded } from '../../xmpp/forward.ts'
import { isCopy } from '../carbons.ts'

const MucUser = namespace<'x' | 'status' | 'destroy'>('http://jabber.org/protocol/muc#user')
const Events = namespace<'event' | 'items' | 'item'>('http://jabber.org/protocol/pubsub#event')
const CHAT_STATES = 'http://jabber.org/protocol/chatstates'
/** What may come with a chat state without making the message worth more than that. */
const ATTENDANT = new Set(['urn:xmpp:hints', 'urn:xmpp:sid:0', 'urn:xmpp:delay', MucUser.uri])

/**
 * The name of a presence of which only the latest matters: that of a contact or of somebody in a room. What concerns
 * the user in person is important: requests, errors, one's own place in a room, presence of those who are no contacts.
 */
export function presenceKey(stanza: Element, isContact: (from: string) => boolean): string | undefined {
  const { type, from = '' } = stanza.attrs
  if (type !== undefined && type !== 'unavailable') return undefined
  const x = stanza.child(MucUser, 'x')
  const isUnimportant = x === undefined ? isContact(from) : !isAboutOneself(x)
  return isUnimportant ? `presence ${from}` : undefined
}

/** XEP-0045 §7.2.2 and §10.9. */
function isAboutOneself(x: Element): boolean {
  return x.child(MucUser, 'destroy') !== undefined || x.all(MucUser, 'status').some(status => status.attrs['code'] === '110')
}

/** The name of a notification of one item (XEP-0060 §7.1.2.1), which the next one of the same item replaces; of others, `unique`. */
export function eventKey(message: Element, unique: () => string): string | undefined {
  const event = message.child(Events, 'event')
  if (event === undefined) return undefined
  const items = event.child(Events, 'items')
  const [first, ...more] = items?.elements() ?? []
  const id = first?.is(Events, 'item') && more.length === 0 ? first.attrs['id'] : undefined
  return id === undefined ? unique() : `event ${message.attrs['from']} ${JSON.stringify([items!.attrs['node'], id])}`
}

/** The name of a chat state that comes alone (XEP-0085 §5.5), or of a carbon copy of one. */
export function chatStateKey(message: Element): string | undefined {
  const original = isCopy(message) ? readForwarded(message.first()!)?.stanza : message
  if (original === undefined || original.attrs['type'] === 'error' || !isChatStateAlone(original)) return undefined
  return `state ${original.attrs['from']} ${original.attrs['to']}`
}

function isChatStateAlone(message: Element): boolean {
  const children = message.elements()
  return (
    children.some(child => child.ns === CHAT_STATES) &&
    children.every(child => child.ns === CHAT_STATES || ATTENDANT.has(child.ns) || (child.name === 'thread' && child.ns === message.ns))
  )
}

import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { isPendingOut, type State, subscriptionIn } from './subscription.ts'

export const Roster = namespace<'query' | 'item' | 'group'>('jabber:iq:roster')

/** What an account knows of one contact. */
export interface Item {
  readonly jid: string
  readonly name: string
  readonly groups: readonly string[]
  readonly state: State
  /** The user has agreed to a request that has not come yet (RFC 6121 §3.4). */
  readonly isApproved: boolean
  /** Clients see it. A request from a stranger alone makes no roster item (RFC 6121 App. A.1). */
  readonly isListed: boolean
  /** The contact's subscription request, as XML, until the user answers it. */
  readonly request: string | undefined
}

/** What an account knows of an address that it has not met. */
export const stranger = (jid: string): Item => ({
  jid,
  name: '',
  groups: [],
  state: 'none',
  isApproved: false,
  isListed: false,
  request: undefined,
})

/** The same, all that changes with a subscription; names and groups do not. */
export const isSame = (a: Item, b: Item): boolean =>
  a.state === b.state && a.isApproved === b.isApproved && a.isListed === b.isListed && a.request === b.request

export interface ItemLimits {
  readonly longestName: number
  readonly groupsPerContact: number
}

/** What a client asks for in a roster set. */
export interface Wish {
  readonly jid: Jid
  readonly isRemoval: boolean
  readonly name: string
  readonly groups: readonly string[]
}

/** Reads a roster set. Throws a StanzaError for each violation that RFC 6121 §2.3.3 names. */
export function readWish(query: Element, limits: ItemLimits): Wish {
  const [item, ...more] = query.all(Roster, 'item')
  if (item === undefined || more.length > 0) throw new StanzaError('bad-request', 'a roster set has one item')
  const { jid, name = '', subscription } = item.attrs
  if (jid === undefined) throw new StanzaError('bad-request', 'a roster item has an address')
  const groups = item.all(Roster, 'group').map(group => group.text)
  if (new Set(groups).size < groups.length) throw new StanzaError('bad-request', 'a group is named twice')
  if (name.length > limits.longestName) throw new StanzaError('not-acceptable', 'the name is too long')
  if (groups.length > limits.groupsPerContact) throw new StanzaError('not-acceptable', 'too many groups')
  for (const group of groups) {
    if (group === '' || group.length > limits.longestName) throw new StanzaError('not-acceptable', 'a group has no name, or too long a one')
  }
  return { jid: Jid.parse(jid), isRemoval: subscription === 'remove', name, groups }
}

export function itemElement({ jid, name, groups, state, isApproved }: Item): Element {
  return Roster(
    'item',
    {
      jid,
      name: name === '' ? undefined : name,
      subscription: subscriptionIn(state),
      ask: isPendingOut(state) ? 'subscribe' : undefined,
      approved: isApproved ? 'true' : undefined,
    },
    ...groups.map(group => Roster('group', undefined, group)),
  )
}

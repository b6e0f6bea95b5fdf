/** The subscription states of RFC 6121 Appendix A.1, seen from the user, and what moves between them. */
export type State = 'none' | 'none+out' | 'none+in' | 'none+out+in' | 'to' | 'to+in' | 'from' | 'from+out' | 'both'

export type Subscription = 'none' | 'to' | 'from' | 'both'

export type SubscriptionType = 'subscribe' | 'unsubscribe' | 'subscribed' | 'unsubscribed'

/** What a stanza does in one state. */
export interface Step {
  /** Outbound: it is routed to the contact. Inbound: it is delivered to the user. */
  readonly passes: boolean
  readonly state: State
  /** What the server answers in the user's name. */
  readonly reply: 'subscribed' | 'unsubscribed' | undefined
}

type Row = Readonly<Record<State, Cell>>
/** Passes and stays; is stopped and stays; passes and moves to another state. */
type Cell = 'pass' | 'stop' | State

const stays: Row = {
  none: 'stop',
  'none+out': 'stop',
  'none+in': 'stop',
  'none+out+in': 'stop',
  to: 'stop',
  'to+in': 'stop',
  from: 'stop',
  'from+out': 'stop',
  both: 'stop',
}

const passes: Row = {
  none: 'pass',
  'none+out': 'pass',
  'none+in': 'pass',
  'none+out+in': 'pass',
  to: 'pass',
  'to+in': 'pass',
  from: 'pass',
  'from+out': 'pass',
  both: 'pass',
}

/** The contact loses sight of the user, or the request that it made: Tables 5 and 7 move alike. */
const contactLeaves = {
  'none+in': 'none',
  'none+out+in': 'none+out',
  'to+in': 'to',
  from: 'none',
  'from+out': 'none+out',
  both: 'to',
} as const

const OUTBOUND: Readonly<Record<SubscriptionType, Row>> = {
  subscribe: { ...passes, none: 'none+out', 'none+in': 'none+out+in', from: 'from+out' },
  unsubscribe: {
    ...passes,
    'none+out': 'none',
    'none+out+in': 'none+in',
    to: 'none',
    'to+in': 'none+in',
    'from+out': 'from',
    both: 'from',
  },
  subscribed: { ...stays, 'none+in': 'from', 'none+out+in': 'from+out', 'to+in': 'both' },
  unsubscribed: { ...stays, ...contactLeaves },
}

const INBOUND: Readonly<Record<SubscriptionType, Row>> = {
  subscribe: { ...stays, none: 'none+in', 'none+out': 'none+out+in', to: 'to+in' },
  unsubscribe: { ...stays, ...contactLeaves },
  subscribed: { ...stays, 'none+out': 'to', 'none+out+in': 'to+in', 'from+out': 'both' },
  unsubscribed: {
    ...stays,
    'none+out': 'none',
    'none+out+in': 'none+in',
    to: 'none',
    'to+in': 'none+in',
    'from+out': 'from',
    both: 'from',
  },
}

/** RFC 6121 Tables 2 to 5. */
export function outbound(type: SubscriptionType, state: State): Step {
  return { ...step(OUTBOUND[type][state], state), reply: undefined }
}

/** RFC 6121 Tables 6 to 9. */
export function inbound(type: SubscriptionType, state: State): Step {
  const { passes, state: next } = step(INBOUND[type][state], state)
  const isKnown = type === 'subscribe' && seesUser(state)
  const hasLeft = type === 'unsubscribe' && next !== state
  return { passes, state: next, reply: isKnown ? 'subscribed' : hasLeft ? 'unsubscribed' : undefined }
}

function step(cell: Cell, state: State): Omit<Step, 'reply'> {
  return { passes: cell !== 'stop', state: cell === 'pass' || cell === 'stop' ? state : cell }
}

/** The state without what is pending, as a roster item shows it. */
export const subscriptionIn = (state: State): Subscription => SHOWN[state]

const SHOWN: Readonly<Record<State, Subscription>> = {
  none: 'none',
  'none+out': 'none',
  'none+in': 'none',
  'none+out+in': 'none',
  to: 'to',
  'to+in': 'to',
  from: 'from',
  'from+out': 'from',
  both: 'both',
}

/** The contact is subscribed to the user's presence. */
export const seesUser = (state: State): boolean => SHOWN[state] === 'from' || SHOWN[state] === 'both'

/** The user is subscribed to the contact's presence. */
export const seesContact = (state: State): boolean => SHOWN[state] === 'to' || SHOWN[state] === 'both'

/** The user has asked, and the contact has not answered. */
export const isPendingOut = (state: State): boolean => state === 'none+out' || state === 'none+out+in' || state === 'from+out'

/** The contact has asked, and the user has not answered. */
export const isPendingIn = (state: State): boolean => state === 'none+in' || state === 'none+out+in' || state === 'to+in'

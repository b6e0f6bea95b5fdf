import type { Custody } from '../../core/custody.ts'
import type { Element } from '../../xml/element.ts'
import type { Condition } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'

/** A stanza on its way to another domain. Whoever has it says `safe()` or `release()` of its custody once. */
export interface Parcel {
  readonly stanza: Element
  readonly from: Jid
  readonly to: Jid
  readonly custody: Custody | undefined
  /** When it came, ms of the clock. */
  readonly since: number
}

/** Why another domain cannot be reached: for the operator, and for those who wrote there. Fixed words; nothing of the wire. */
export interface Failure {
  readonly why: Why
  readonly condition: Condition
  /** Trying again soon would not help: what waits is returned at once. */
  readonly isLasting: boolean
}

export type Why =
  | 'it does not exist'
  | 'it offers no server-to-server service'
  | 'its address is in a network that must not be connected to'
  | 'DNS gave no answer'
  | 'no connection could be made'
  | 'no connection was made in time'
  | 'it offers no TLS'
  | 'the TLS handshake failed'
  | 'its certificate is not believed'
  | 'its certificate has expired'
  | 'its certificate is not valid yet'
  | 'its certificate names another domain'
  | 'it does not believe us'
  | 'it refused our domain'
  | 'there is no way to prove our domain that both sides know'
  | 'it did not finish the negotiation in time'
  | 'it ended the stream with an error'
  | 'the connection broke'
  | 'it does not answer'
  | 'it speaks no XMPP'
  | 'it is blocked by the settings'

const NOT_FOUND: ReadonlySet<Why> = new Set(['it does not exist', 'it offers no server-to-server service'])
const LASTING: ReadonlySet<Why> = new Set([
  ...NOT_FOUND,
  'its address is in a network that must not be connected to',
  'it offers no TLS',
  'its certificate is not believed',
  'its certificate has expired',
  'its certificate is not valid yet',
  'its certificate names another domain',
  'it does not believe us',
  'it refused our domain',
  'there is no way to prove our domain that both sides know',
  'it is blocked by the settings',
])

/** With what stanzas are returned (RFC 6120 §8.3.3.16 and §8.3.3.17, XEP-0220 §2.1.1), and whether at once. */
export const failure = (why: Why): Failure => ({ why, condition: conditionOf(why), isLasting: LASTING.has(why) })

function conditionOf(why: Why): Condition {
  if (why === 'it does not believe us') return 'internal-server-error'
  return NOT_FOUND.has(why) ? 'remote-server-not-found' : 'remote-server-timeout'
}

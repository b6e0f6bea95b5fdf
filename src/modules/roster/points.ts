import type { Account } from '../../core/account.ts'
import { point } from '../../core/points.ts'
import type { Jid } from '../../xmpp/jid.ts'

export interface Subscriber {
  readonly account: Account
  /** The bare address of the contact. */
  readonly contact: Jid
}

/** The contact may see the account's presence from now on; it has been told so. */
export const subscriberGained = point<Subscriber>('subscriber.gained')
/** The contact may not see the account's presence any more; it will be told so next. */
export const subscriberLost = point<Subscriber>('subscriber.lost')

/** A contact of the account is in other groups than before. In the account's turn, when that is safe on disk. */
export const contactMoved = point<Subscriber & { readonly former: readonly string[] }>('contact.moved')

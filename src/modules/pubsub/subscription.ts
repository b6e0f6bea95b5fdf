/** XEP-0060 §4.2; of somebody who is not subscribed there is no subscription. */
export interface Subscription {
  /** The address that is notified, bare or full. */
  readonly jid: string
  readonly state: 'pending' | 'subscribed'
  readonly options: SubscriptionOptions
}

export const SHOW_VALUES = ['away', 'chat', 'dnd', 'online', 'xa'] as const
export type ShowValue = (typeof SHOW_VALUES)[number]

/** What a subscriber can choose (XEP-0060 §16.4.2). */
export interface SubscriptionOptions {
  readonly deliver: boolean
  /** In ms: the subscription ends then; `'presence'`: when the subscriber becomes unavailable (§12.4). */
  readonly expire: number | 'presence' | undefined
  /** Where presence is known: notified only while it is one of these. */
  readonly showValues: readonly ShowValue[]
}

export const USUAL_OPTIONS: SubscriptionOptions = Object.freeze({ deliver: true, expire: undefined, showValues: SHOW_VALUES })

/** What differs from `USUAL_OPTIONS`, in JSON; but for the moment of the end, which stands beside it. Databases rely on it, so those never change. */
export function writeOptions({ deliver, expire, showValues }: SubscriptionOptions): string {
  return JSON.stringify({
    ...(!deliver && { deliver }),
    ...(expire === 'presence' && { expire }),
    ...(showValues.length < SHOW_VALUES.length && { showValues }),
  })
}

export function readOptions(json: string, endsAt: number | undefined): SubscriptionOptions {
  return { ...USUAL_OPTIONS, ...JSON.parse(json), ...(endsAt !== undefined && { expire: endsAt }) }
}

/** The moment of the end in ms, if it has one. */
export const endOf = ({ expire }: SubscriptionOptions): number | undefined => (typeof expire === 'number' ? expire : undefined)

/** Neither waiting for approval nor over. */
export const isCurrent = (subscription: Subscription | undefined, now: number): boolean =>
  subscription?.state === 'subscribed' && !(typeof subscription.options.expire === 'number' && subscription.options.expire <= now)

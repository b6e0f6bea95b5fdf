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

/** How it stands there that a subscription ends when the subscriber becomes unavailable. */
export const TEMPORARY = '"expire":"presence"'

export function readOptions(json: string, endsAt: number | undefined): SubscriptionOptions {
  return { ...USUAL_OPTIONS, ...JSON.parse(json), ...(endsAt !== undefined && { expire: endsAt }) }
}

/** The moment of the end in ms, if it has one. */
export const endOf = ({ expire }: SubscriptionOptions): number | undefined => (typeof expire === 'number' ? expire : undefined)

/** Whether its end has come (§12.18): it is as if there were none, and is removed in time. */
export const isOver = ({ options }: Subscription, now: number): boolean => (endOf(options) ?? Number.POSITIVE_INFINITY) <= now

/** Neither waiting for approval nor over. */
export const isCurrent = (subscription: Subscription | undefined, now: number): boolean =>
  subscription?.state === 'subscribed' && !isOver(subscription, now)

/** Of an address as it stands in a subscription. */
export const bareOf = (jid: string): string => jid.split('/', 1)[0]!

/** Those to one node, by the address that is subscribed. */
export class Subscriptions extends Map<string, Subscription> {
  /** By bare address. */
  readonly #addresses = new Map<string, Set<string>>()

  constructor(all: Iterable<Subscription> = []) {
    super()
    for (const subscription of all) this.set(subscription.jid, subscription)
  }

  /** Of one bare address, and its full ones. */
  of(bare: string): Subscription[] {
    return [...(this.#addresses.get(bare) ?? [])].map(jid => this.get(jid)!)
  }

  override set(jid: string, subscription: Subscription): this {
    const bare = bareOf(jid)
    this.#addresses.set(bare, (this.#addresses.get(bare) ?? new Set()).add(jid))
    return super.set(jid, subscription)
  }

  override delete(jid: string): boolean {
    const bare = bareOf(jid)
    const addresses = this.#addresses.get(bare)
    addresses?.delete(jid)
    if (addresses?.size === 0) this.#addresses.delete(bare)
    return super.delete(jid)
  }

  override clear(): void {
    this.#addresses.clear()
    super.clear()
  }
}

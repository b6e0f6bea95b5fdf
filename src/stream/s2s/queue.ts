import type { Parcel } from './parcel.ts'
import type { QueueLimits } from './settings.ts'

/** What waits for one domain, in the order in which it came; bounded. */
export class Queue {
  readonly #limits: QueueLimits
  #parcels: Parcel[] = []
  #bytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#parcels.length
  }

  /** False if there is no room. */
  add(parcel: Parcel): boolean {
    const size = sizeOf(parcel)
    if (this.#parcels.length >= this.#limits.stanzas || this.#bytes + size > this.#limits.bytes) return false
    this.#parcels.push(parcel)
    this.#bytes += size
    return true
  }

  /** What was sent and not acknowledged comes before the rest; there is always room for it, as there was before. */
  putBack(parcels: readonly Parcel[]): void {
    this.#set([...parcels, ...this.#parcels])
  }

  /** Of our domains, those that something waits from. */
  senders(): Set<string> {
    return new Set(this.#parcels.map(({ from }) => from.domain))
  }

  /** Something waits from that domain of ours. */
  has(local: string): boolean {
    return this.#parcels.some(({ from }) => from.domain === local)
  }

  /** The first that waits from a domain of ours. */
  next(local: string): Parcel | undefined {
    const at = this.#parcels.findIndex(({ from }) => from.domain === local)
    if (at < 0) return undefined
    const [parcel] = this.#parcels.splice(at, 1)
    this.#bytes -= sizeOf(parcel!)
    return parcel
  }

  takeFrom(local: string): Parcel[] {
    return this.#takeIf(({ from }) => from.domain === local)
  }

  /** What came at that time or before. */
  takeLate(deadline: number): Parcel[] {
    return this.#parcels.length > 0 && this.#parcels[0]!.since <= deadline ? this.#takeIf(({ since }) => since <= deadline) : []
  }

  takeAll(): Parcel[] {
    return this.#takeIf(() => true)
  }

  #takeIf(test: (parcel: Parcel) => boolean): Parcel[] {
    const taken = this.#parcels.filter(test)
    this.#set(taken.length === this.#parcels.length ? [] : this.#parcels.filter(parcel => !test(parcel)))
    return taken
  }

  #set(parcels: Parcel[]): void {
    this.#parcels = parcels
    this.#bytes = parcels.reduce((sum, parcel) => sum + sizeOf(parcel), 0)
  }
}

const sizeOf = ({ stanza }: Parcel): number => String(stanza).length

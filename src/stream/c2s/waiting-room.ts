/** One answer that waits; called with whether it has waited to the end. */
type Guest = (hasWaited: boolean) => void

/**
 * Where answers to logins wait, a bounded number at a time. When it is full, the oldest one of the largest group gives way:
 * who crowds it is in the way of nobody else. Right answers and wrong ones are treated alike, so giving way tells nothing.
 */
export class WaitingRoom {
  readonly #most: number
  readonly #groups = new Map<string, Set<Guest>>()
  #guests = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Done with true after so many ms; with false, before that, if its place was needed. */
  wait(ms: number, group: string): Promise<boolean> {
    if (this.#guests >= this.#most) this.#makeRoom()
    return new Promise(resolve => {
      const guests = this.#groups.get(group) ?? new Set()
      const guest: Guest = hasWaited => {
        clearTimeout(timer)
        this.#guests--
        guests.delete(guest)
        if (guests.size === 0) this.#groups.delete(group)
        resolve(hasWaited)
      }
      const timer = setTimeout(guest, ms, true).unref()
      this.#guests++
      this.#groups.set(group, guests.add(guest))
    })
  }

  #makeRoom(): void {
    let largest: Set<Guest> | undefined
    for (const guests of this.#groups.values()) if (largest === undefined || guests.size > largest.size) largest = guests
    const [oldest] = largest ?? []
    oldest?.(false)
  }
}

const STEP = 1_000

/**
 * Calls `onExpired` for each item that is still here `span` ms after it was added, up to a second late.
 * All items share one timer and one span, so the oldest is always the first and a sweep looks only at what has expired.
 */
export class Deadlines<T> {
  readonly #span: number
  readonly #onExpired: (item: T) => void
  readonly #expiresAt = new Map<T, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(span: number, onExpired: (item: T) => void) {
    this.#span = span
    this.#onExpired = onExpired
  }

  get size(): number {
    return this.#expiresAt.size
  }

  /** Starts the item's time, anew if it is already here. */
  add(item: T): void {
    this.#expiresAt.delete(item)
    this.#expiresAt.set(item, performance.now() + this.#span)
    this.#timer ??= setInterval(() => this.#sweep(), Math.min(this.#span, STEP)).unref()
  }

  delete(item: T): void {
    this.#expiresAt.delete(item)
  }

  #sweep(): void {
    const now = performance.now()
    for (const [item, expiresAt] of this.#expiresAt) {
      if (expiresAt > now) break
      this.#expiresAt.delete(item)
      this.#onExpired(item)
    }
    if (this.#expiresAt.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

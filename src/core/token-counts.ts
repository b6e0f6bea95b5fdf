/** Enough for the clients that come back often. */
const MOST = 10_000

/**
 * The highest count that each token was shown with (XEP-0484 §3.4). In memory only: a count stands beside the proof and not in it,
 * so without early data, which is not taken, it protects from nothing; written down it would tell how often a client logs in.
 */
export class TokenCounts {
  /** By verifier; those that were shown last stand last. */
  readonly #highest = new Map<string, number>()

  /** Takes the count, if it is higher than the one before. */
  isHigher(verifier: Buffer, count: number): boolean {
    const key = verifier.toString('base64url')
    if (count <= (this.#highest.get(key) ?? -1)) return false
    this.#highest.delete(key)
    this.#highest.set(key, count)
    if (this.#highest.size > MOST) this.#highest.delete(this.#highest.keys().next().value!)
    return true
  }
}

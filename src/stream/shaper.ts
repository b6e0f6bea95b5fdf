/** A connection whose input is counted. */
export interface Shaped {
  /** Bytes that it may still bring now. */
  allowance: number
  /** It has brought too much, and is not read from for the moment. */
  isShaped: boolean
  /** Reads on, or stops reading. */
  steer(): void
}

/** How many bytes a connection may bring per second on average, and at once; 0: as many as it likes. */
export interface ShapeLimits {
  readonly bytesPerSecond: number
  readonly burst: number
}

/** Counts what connections bring. Those that bring too much are not read from until the next second. */
export class Shaper {
  /** Those that are short of their burst. */
  readonly #shaped = new Set<Shaped>()

  count(connection: Shaped, bytes: number, { bytesPerSecond, burst }: ShapeLimits): void {
    if (bytesPerSecond === 0) return
    if (!this.#shaped.has(connection)) {
      connection.allowance = burst
      this.#shaped.add(connection)
    }
    connection.allowance -= bytes
    if (connection.allowance >= 0 || connection.isShaped) return
    connection.isShaped = true
    connection.steer()
  }

  forget(connection: Shaped): void {
    this.#shaped.delete(connection)
  }

  /** To be called once a second. */
  replenish({ bytesPerSecond, burst }: ShapeLimits): void {
    for (const connection of this.#shaped) {
      connection.allowance += bytesPerSecond
      if (connection.isShaped && (connection.allowance >= 0 || bytesPerSecond === 0)) {
        connection.isShaped = false
        connection.steer()
      } else if (connection.allowance >= burst || bytesPerSecond === 0) this.#shaped.delete(connection)
    }
  }
}

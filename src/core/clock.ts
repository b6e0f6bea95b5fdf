/** Time, as the server sees it; a test has a clock of its own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `work` once after `ms`, unless the returned function is called before. Does not keep the process alive. */
  after(ms: number, work: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

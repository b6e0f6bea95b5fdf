import type { Socket } from 'node:net'
import { DialError } from './dial-error.ts'

/** Attempts at a connection, of which the first to succeed wins and ends all others. */
export class Race<T> {
  /** The winner, or why there is none. */
  readonly outcome: Promise<{ readonly socket: Socket; readonly target: T }>
  readonly #end = Promise.withResolvers<{ readonly socket: Socket; readonly target: T }>()
  readonly #losers = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.lose(this.#signal?.reason)
  #running = 0
  #isOver = false
  #tell = () => {}

  /** It is lost after `timeout` ms, and when `signal` says so. */
  constructor(timeout: number, signal: AbortSignal | undefined) {
    this.outcome = this.#end.promise
    this.#signal = signal
    this.#timer = setTimeout(() => this.lose(new DialError('timeout')), timeout)
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted) this.#onAbort()
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Begins one more attempt. It must give up when its signal says so. */
  enter(target: T, attempt: (signal: AbortSignal) => Promise<Socket>): void {
    this.#running++
    attempt(this.#losers.signal).then(
      socket => this.#win(socket, target),
      () => {
        this.#running--
        this.#tell()
      },
    )
  }

  /** Until an attempt has failed, the race is over, or so many ms have passed. */
  async change(ms: number): Promise<void> {
    if (this.#isOver) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#tell = resolve
    await promise
    clearTimeout(timer)
  }

  /** Until no attempt is under way, the race is over, or so many ms have passed. */
  async allFailed(ms = Number.POSITIVE_INFINITY): Promise<void> {
    const until = performance.now() + ms
    while (this.#running > 0 && !this.#isOver) {
      const left = until - performance.now()
      if (left <= 0) return
      await this.change(Math.min(left, LONGEST))
    }
  }

  lose(reason: unknown): void {
    if (this.#isOver) return
    this.#end.reject(reason)
    this.#finish()
  }

  #win(socket: Socket, target: T): void {
    if (this.#isOver) {
      socket.destroy()
      return
    }
    this.#end.resolve({ socket, target })
    this.#finish()
  }

  #finish(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#losers.abort()
    this.#tell()
  }
}

/** What a timer of Node can wait, in ms. */
const LONGEST = 2 ** 31 - 1

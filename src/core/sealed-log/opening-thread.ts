import type { Worker } from 'node:worker_threads'
import { startThread } from '../../lib/thread.ts'
import type { Closed, Opening } from './opening.ts'

/** So long the thread is kept when nobody needs it, in ms. */
const KEPT = 30_000

/** A thread that opens messages, one request after the other. It begins when it is needed first. */
export class OpeningThread {
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** Hands the secrets over: here nothing is left of them. */
  open(closed: Closed): Promise<Opening> {
    const opened = this.#last.then(() => this.#ask(closed))
    this.#last = opened.catch(() => {})
    return opened
  }

  #ask(closed: Closed): Promise<Opening> {
    const { promise, resolve, reject } = Promise.withResolvers<Opening>()
    const worker = (this.#worker ??= startThread(new URL('./opening-worker.ts', import.meta.url)))
    clearTimeout(this.#idle)
    worker.ref()
    const failed = (error: Error): void => {
      this.#worker = undefined
      reject(error)
    }
    worker.once('error', failed)
    worker.once('message', (opening: Opening) => {
      worker.off('error', failed)
      worker.unref()
      this.#idle = setTimeout(() => this.#end(), KEPT).unref()
      resolve(opening)
    })
    worker.postMessage(closed, [closed.secrets.buffer as ArrayBuffer])
    return promise
  }

  #end(): void {
    void this.#worker?.terminate()
    this.#worker = undefined
  }
}

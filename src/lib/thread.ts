import { Worker } from 'node:worker_threads'

/**
 * A thread that runs `module`, which answers each message it is sent with one. It takes one request after the other, begins when the first
 * one comes, and ends when none has come for `kept` ms. It does not keep the process alive when nobody waits for an answer.
 */
export class Thread<Request, Answer> {
  readonly #module: URL
  readonly #kept: number
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()
  #isEnded = false

  constructor(module: URL, kept: number) {
    this.#module = module
    this.#kept = kept
  }

  /** What is handed over is no longer here. Rejects with what the module threw; the next request begins it anew. */
  ask(request: Request, handedOver: readonly ArrayBuffer[] = []): Promise<Answer> {
    const answered = this.#last.then(() => this.#ask(request, handedOver))
    this.#last = answered.catch(() => {})
    return answered
  }

  /** Now, whatever it does; for good: what has not begun is refused. */
  end(): void {
    this.#isEnded = true
    clearTimeout(this.#idle)
    this.#rest()
  }

  #rest(): void {
    void this.#worker?.terminate()
    this.#worker = undefined
  }

  #ask(request: Request, handedOver: readonly ArrayBuffer[]): Promise<Answer> {
    if (this.#isEnded) return Promise.reject(new Error('the thread has ended'))
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const worker = (this.#worker ??= this.#begin())
    clearTimeout(this.#idle)
    worker.ref()
    const failed = (error: Error): void => {
      this.#worker = undefined
      reject(error)
    }
    worker.once('error', failed)
    worker.once('message', (answer: Answer) => {
      worker.off('error', failed)
      worker.unref()
      this.#idle = setTimeout(() => this.#rest(), this.#kept).unref()
      resolve(answer)
    })
    worker.postMessage(request, handedOver)
    return promise
  }

  #begin(): Worker {
    return new Worker(new URL('../../bin/thread.js', import.meta.url), { workerData: this.#module.href })
  }
}

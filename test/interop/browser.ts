import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { endWithTests, within } from './server.ts'

const LOOK_EVERY = 100
const PATIENCE = 30_000
const OPTIONS = [
  '--headless',
  '--no-sandbox', // it does not start as root otherwise, and shows nothing but the page of the test
  '--ignore-certificate-errors',
  '--remote-debugging-pipe',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--window-size=1000,800',
]

/** An answer, or an event. */
interface Heard {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
  readonly method?: string
  readonly params?: unknown
}

/** Chromium without a window, with a profile of its own. It is driven by the DevTools protocol over a pipe. */
export class Browser implements AsyncDisposable {
  readonly #profile: string
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0

  private constructor(profile: string) {
    this.#profile = profile
    this.#process = spawn('chromium', [...OPTIONS, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    endWithTests(this.#process)
    let heard = ''
    const incoming = this.#process.stdio[4] as Readable
    incoming.setEncoding('utf8').on('data', text => {
      const messages = `${heard}${text}`.split('\0')
      heard = messages.pop()!
      for (const message of messages) this.#hear(JSON.parse(message))
    })
  }

  static async start(): Promise<Browser> {
    return new Browser(await mkdtemp(join(tmpdir(), 'interop-chromium-')))
  }

  /** In a new tab of that profile, or of the first. */
  async open(url: string, profile?: Profile): Promise<Page> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url, ...profile })
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
    // What the page says to its console is an event.
    await this.send('Runtime.enable', {}, sessionId)
    return new Page(this, targetId, sessionId)
  }

  /** As another browser: what pages keep in one profile, those in others do not find. */
  newProfile(): Promise<Profile> {
    return this.send('Target.createBrowserContext', {})
  }

  async send<Result>(method: string, params: object, sessionId?: string): Promise<Result> {
    const id = ++this.#lastId
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    const outgoing = this.#process.stdio[3] as Writable
    outgoing.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return within(PATIENCE, answer.promise, `chromium to answer ${method}`) as Promise<Result>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
    await rm(this.#profile, { recursive: true, maxRetries: 10 })
  }

  #hear({ id, result, error, method, params }: Heard): void {
    if (id === undefined)
      return void (process.env['INTEROP_WIRE'] && process.stderr.write(`[chromium] ${method} ${JSON.stringify(params)}\n`))
    const answer = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) answer?.resolve(result)
    else answer?.reject(new Error(error.message))
  }
}

export interface Profile {
  readonly browserContextId: string
}

interface Evaluation {
  readonly result: { readonly value?: unknown }
  readonly exceptionDetails?: { readonly exception?: { readonly description?: string } }
}

/** A tab of the browser. */
export class Page {
  readonly #browser: Browser
  readonly #target: string
  readonly #session: string

  constructor(browser: Browser, target: string, session: string) {
    this.#browser = browser
    this.#target = target
    this.#session = session
  }

  /** Gives what the expression gives in the page, or what that promises. */
  async evaluate<Result>(expression: string): Promise<Result> {
    const { result, exceptionDetails } = await this.#browser.send<Evaluation>(
      'Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true },
      this.#session,
    )
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`)
    return result.value as Result
  }

  /** Asks until the answer is as wanted, and gives it. */
  async until<Result>(expression: string, isWanted: (result: Result) => boolean = Boolean): Promise<Result> {
    const end = performance.now() + PATIENCE
    for (;;) {
      const result = await this.evaluate<Result>(expression)
      if (isWanted(result)) return result
      if (performance.now() > end) throw new Error(`${expression} remains ${JSON.stringify(result)}`)
      await pause(LOOK_EVERY)
    }
  }

  /** Loads it anew; what it keeps for the time of a session stays. */
  async reload(): Promise<void> {
    await this.evaluate('globalThis.isOld = true')
    await this.#browser.send('Page.reload', {}, this.#session)
    // Between the two documents nothing can be asked.
    const isNew = (): Promise<boolean> => this.evaluate<boolean>('globalThis.isOld !== true').catch(() => false)
    while (!(await isNew())) await pause(LOOK_EVERY)
  }

  /** What is to be seen, as a PNG. */
  async capture(file: string): Promise<void> {
    const { data } = await this.#browser.send<{ data: string }>('Page.captureScreenshot', {}, this.#session)
    await writeFile(file, data, 'base64')
  }

  /** As if the window had this size, in pixels. */
  async resize(width: number, height: number): Promise<void> {
    await this.#browser.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }, this.#session)
  }

  async close(): Promise<void> {
    await this.#browser.send('Target.closeTarget', { targetId: this.#target })
  }
}

import type { Point } from './points.ts'

interface Entry {
  readonly owner: string
  // biome-ignore lint/suspicious/noExplicitAny: the event's type is checked where the handler is added
  handle(event: any): unknown
}

export type Failed = (owner: string, error: unknown) => void

const NONE: readonly Entry[] = []

/** The handlers of each point, in the order in which modules/index.ts lists their modules. */
export class Hooks {
  /** By the index of the point. */
  readonly #entries: (Entry[] | undefined)[] = []
  /** Those with handlers. */
  readonly #points = new Set<{ readonly name: string; readonly index: number }>()

  /** Handlers are named functions: their name stands in `describe()`. */
  on<Event, Verdict extends string>(
    point: Point<Event, Verdict>,
    handler: (event: Event) => NoInfer<Verdict> | void | Promise<NoInfer<Verdict> | void>,
    owner = 'core',
  ): void {
    const entries = (this.#entries[point.index] ??= [])
    this.#points.add(point)
    entries.push({ owner: `${owner}.${handler.name}`, handle: handler })
  }

  /** Runs the handlers in order until one gives a verdict. Stays synchronous while the handlers do: most stanzas never wait. */
  run<Event, Verdict extends string>(point: Point<Event, Verdict>, event: Event): Verdict | void | Promise<Verdict | void> {
    const entries = this.#entries[point.index] ?? NONE
    for (let i = 0; i < entries.length; i++) {
      const verdict = entries[i]!.handle(event)
      if (verdict instanceof Promise) return this.#finish(entries, i, verdict, event) as Promise<Verdict | void>
      if (verdict !== undefined) return verdict as Verdict
    }
  }

  /** Tells every handler, whatever happens to the others. For points at which nothing can be refused any more. */
  tell<Event>(point: Point<Event>, event: Event, failed: Failed): void | Promise<void> {
    const entries = this.#entries[point.index] ?? NONE
    let pending: Promise<unknown> | undefined
    for (const { owner, handle } of entries) {
      if (pending !== undefined) pending = pending.then(() => handle(event)).catch(error => failed(owner, error))
      else {
        try {
          const told = handle(event)
          if (told instanceof Promise) pending = told.catch(error => failed(owner, error))
        } catch (error) {
          failed(owner, error)
        }
      }
    }
    return pending as Promise<void> | undefined
  }

  /** The points and their handlers, for people: `conexizan hooks` prints it and a test pins it. */
  describe(): string[] {
    return [...this.#points].map(({ name, index }) => `${name}: ${this.#entries[index]!.map(({ owner }) => owner).join(', ')}`)
  }

  async #finish(entries: readonly Entry[], i: number, pending: Promise<unknown>, event: unknown): Promise<unknown> {
    let verdict = await pending
    while (verdict === undefined && ++i < entries.length) verdict = await entries[i]!.handle(event)
    return verdict
  }
}

import { setTimeout as pause } from 'node:timers/promises'

const LOOK_EVERY = 100
const PATIENCE = 30_000

/** Somebody in a room, with whatever client. */
export interface Occupant extends AsyncDisposable {
  readonly nick: string
  /** Bare. */
  readonly address: string
  says(text: string): Promise<void>
  /** What the client has of what was said there, as `nick: text`, in its order. */
  transcript(): Promise<readonly string[]>
  /** The nicks of those who are there, in no order. */
  present(): Promise<readonly string[]>
  leaves(): Promise<void>
  /** Its connection breaks. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Waits until all of them have read this, in this order, and nothing else. */
export const allRead = (occupants: readonly Occupant[], said: readonly string[]): Promise<void> =>
  all(occupants, 'has read', said, async occupant => [...(await occupant.transcript())])

/** Waits until this is the last that all of them have read. */
export async function allHear(occupants: readonly Occupant[], said: string): Promise<void> {
  for (const occupant of occupants)
    await until(
      `${occupant.nick} hears ${said}`,
      async () => (await occupant.transcript()).at(-1),
      last => last === said,
    )
}

/** Waits until all of them see these in the room, and nobody else. */
export const allSee = (occupants: readonly Occupant[], nicks: readonly string[], patience?: number): Promise<void> =>
  all(occupants, 'sees', [...nicks].sort(), async occupant => [...(await occupant.present())].sort(), patience)

async function all(
  occupants: readonly Occupant[],
  does: string,
  wanted: readonly string[],
  read: (occupant: Occupant) => Promise<readonly string[]>,
  patience?: number,
): Promise<void> {
  for (const occupant of occupants) {
    const what = `${occupant.nick} ${does} ${JSON.stringify(wanted)}`
    await until(
      what,
      () => read(occupant),
      found => JSON.stringify(found) === JSON.stringify(wanted),
      patience,
    )
  }
}

/** Asks until the answer is as wanted, and gives it. */
export async function until<T>(what: string, ask: () => Promise<T>, isWanted: (answer: T) => boolean, patience = PATIENCE): Promise<T> {
  const end = performance.now() + patience
  for (;;) {
    const answer = await ask()
    if (isWanted(answer)) return answer
    if (performance.now() > end) throw new Error(`waited in vain for this: ${what}; it is ${JSON.stringify(answer)}`)
    await pause(LOOK_EVERY)
  }
}

import { setImmediate } from 'node:timers/promises'

/** Does it for each, and lets others have their turn after so many. For what takes longer the more there are. */
export async function inSlices<T>(all: Iterable<T>, most: number, work: (one: T) => void | Promise<void>): Promise<void> {
  let done = 0
  for (const one of all) {
    const pending = work(one)
    if (pending instanceof Promise) await pending
    if (++done % most === 0) await setImmediate()
  }
}

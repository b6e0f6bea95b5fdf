/** Numbers and flags about an event; there is no way to put a name, an address or a text from the wire into it (DESIGN law 8). */
export type Facts = Readonly<Record<string, number | boolean>>

/** Accepts only texts that stand in the program. */
export type FixedWords<Words extends string> = string extends Words ? never : Words

export interface Log {
  info<Words extends string>(event: FixedWords<Words>, facts?: Facts): void
  warn<Words extends string>(event: FixedWords<Words>, facts?: Facts): void
  /** A fault of ours: the kind of the error and where in the program it arose, never its message, which may quote data. */
  fault<Words extends string>(event: FixedWords<Words>, error: unknown): void
}

type Write = (line: string) => void

/** One line per event: time, level, event, facts. */
export function openLog(write: Write, now: () => number = Date.now): Log {
  const line = (level: string, event: string, rest: string): void =>
    write(`${new Date(now()).toISOString()} ${level} ${event}${rest === '' ? '' : ` ${rest}`}\n`)
  const list = (facts: Facts = {}): string =>
    Object.entries(facts)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ')
  return {
    info: (event: string, facts?: Facts) => line('info', event, list(facts)),
    warn: (event: string, facts?: Facts) => line('warn', event, list(facts)),
    fault: (event: string, error: unknown) => line('fault', event, describe(error)),
  }
}

export const silentLog: Log = { info() {}, warn() {}, fault() {} }

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'not an error'
  const { stack = '', message } = error
  // A message of several lines could look like places.
  const at = stack.indexOf(message)
  const frames = (at < 0 ? stack : stack.slice(at + message.length)).split('\n').filter(text => /^\s+at /.test(text))
  const places = frames.slice(0, 8).map(text => text.trim().replace(/\(?(?:file:\/\/)?[^\s()]*\/((?:src|test|node_modules)\/)/, '($1'))
  const cause = error.cause === undefined ? '' : ` caused by ${describe(error.cause)}`
  return `${error.constructor.name} ${places.join(' ')}${cause}`
}

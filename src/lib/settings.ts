/** Settings: reads unknown data into typed values, or says in the operator's words what is wrong. */
import * as v from 'valibot'
import { parseBytes } from './bytes.ts'
import { parseDuration } from './duration.ts'

/** One setting: how it is read, and what the documents say of it. */
export interface Setting<T> {
  readonly schema: v.GenericSchema<unknown, T>
  /** What an operator may write, in a few words. */
  readonly type: string
  /** The value when nothing is written, as TOML; empty if there is none. */
  readonly usual: string
  /** What it is for, in one line. */
  readonly text: string
  /** The settings of a table, by name; those of a table with free names are under `*`. */
  readonly inner?: Shape
}

// biome-ignore lint/suspicious/noExplicitAny: a shape holds settings of any type; `Table` gets the types back
export type Shape = Readonly<Record<string, Setting<any>>>
export type Table<S extends Shape> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never }

/** What is wrong with settings: one sentence each, beginning with the path. */
export class SettingError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingError'
    this.problems = problems
  }
}

export function flag(usual: boolean, text: string): Setting<boolean> {
  return setting(v.boolean('must be true or false'), 'true or false', usual, text)
}

/** A whole number. */
export function count(usual: number, { min = 0, max = Number.MAX_SAFE_INTEGER }, text: string): Setting<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
  const must = `must be a whole number ${range}`
  return setting(
    v.pipe(v.number(must), v.integer(must), v.minValue(min, must), v.maxValue(max, must)),
    `whole number ${range}`,
    usual,
    text,
  )
}

/** One of some words; the first is the usual one. */
export function oneOf<const T extends readonly [string, ...string[]]>(choices: T, text: string): Setting<T[number]> {
  const type = choices.map(choice => `"${choice}"`).join(' or ')
  return setting(v.picklist(choices, `must be ${type}`), type, choices[0], text)
}

/** A span of time such as `'7d'`, read as milliseconds. */
export function duration(usual: string, text: string): Setting<number> {
  const must = `must be a span of time such as "30s", "15m", "12h" or "7d"`
  return setting(v.pipe(v.string(must), v.transform(parseDuration), v.number(must)), 'span of time', usual, text)
}

/** A size such as `'256KiB'`, read as bytes. */
export function size(usual: string, text: string, { min = 0 } = {}): Setting<number> {
  const must = `must be a size such as "512B", "64KiB" or "10MiB"${min > 0 ? `, at least ${min}B` : ''}`
  return setting(v.pipe(v.string(must), v.transform(parseBytes), v.number(must), v.minValue(min, must)), 'size', usual, text)
}

/** Text of up to 1,000 characters, and not empty. */
export function text(usual: string, text: string): Setting<string> {
  return setting(words, 'text', usual, text)
}

/** Text that a function must be able to read; it answers undefined when it cannot. */
export function read<T extends {}>(parse: (text: string) => T | undefined, type: string, text: string): Setting<T> {
  const schema = v.pipe(words, v.transform<string, T | undefined>(parse), v.check<T | undefined, string>(isGiven, `must be ${type}`))
  return setting(schema as v.GenericSchema<unknown, T>, type, undefined, text)
}

/** The word false alone, for what can be switched off but not on without saying more. */
export function off(text: string): Setting<false> {
  return setting(v.literal(false, 'must be false'), 'false', undefined, text)
}

/** Any number of values, each read as `item`. */
export function list<T>(item: Setting<T>, usual: readonly string[], text: string): Setting<readonly T[]> {
  return setting(
    v.pipe(v.array(item.schema, 'must be a list'), v.maxLength(1000, 'must have at most 1000 values')),
    `list of ${item.type}`,
    usual,
    text,
  )
}

/** A setting that may be left out: then it is undefined. */
export function optional<T>(inner: Setting<T>): Setting<T | undefined> {
  return { ...inner, schema: v.optional(inner.schema), usual: '' }
}

/** One of several ways to write a setting. */
export function either<T>(ways: readonly Setting<T>[], usual: unknown, text: string): Setting<T> {
  const type = ways.map(way => way.type).join(', or ')
  return setting(
    v.union(ways.map(way => way.schema) as [v.GenericSchema<unknown, T>, v.GenericSchema<unknown, T>], `must be ${type}`),
    type,
    usual,
    text,
  )
}

/** A table of settings, in which a name that is not known is an error: a typo must not switch a protection off. */
export function table<S extends Shape>(shape: S, text = ''): Setting<Table<S>> {
  const known = Object.keys(shape)
  const entries = Object.fromEntries(Object.entries(shape).map(([name, { schema }]) => [name, schema]))
  const schema = v.strictObject(entries, issue => {
    if (issue.expected === 'Object') return 'must be a table'
    if (issue.expected !== 'never') return 'is missing'
    return known.length > 0 ? `is not a setting; there are: ${known.join(', ')}` : 'is not a setting; there are none here'
  })
  return { schema: v.optional(schema, {}) as v.GenericSchema<unknown, Table<S>>, type: 'table', usual: '', text, inner: shape }
}

/** A table whose names the operator chooses, and whose values are all read as `item`. */
export function tableOf<T>(item: Setting<T>, text: string): Setting<Readonly<Record<string, T>>> {
  return {
    schema: v.optional(v.record(v.string(), item.schema, 'must be a table'), {}),
    type: 'table',
    usual: '',
    text,
    inner: { '*': item },
  }
}

/** Whatever is written; for what can only be read later, by someone who knows more. */
export function anything(text: string): Setting<unknown> {
  return { schema: v.unknown(), type: 'any', usual: '', text }
}

/** Reads a value, or throws a SettingError with a sentence for each thing that is wrong. */
export function readSetting<T>(setting: Setting<T>, value: unknown, path: readonly string[] = []): T {
  const result = v.safeParse(setting.schema, value, { abortPipeEarly: true })
  if (result.success) return result.output
  throw new SettingError(
    result.issues.map(issue => {
      const inner = issue.path?.map(item => String(item.key)) ?? []
      return `${formatPath([...path, ...inner])}: ${issue.message}`
    }),
  )
}

/** What the documents say of one setting. */
export interface Description {
  readonly path: string
  readonly type: string
  readonly usual: string
  readonly text: string
}

/** All settings of a shape, tables first and then what is in them. */
export function describe(shape: Shape, path: readonly string[] = []): Description[] {
  return Object.entries(shape).flatMap(([name, { type, usual, text, inner }]) => {
    const here = [...path, name]
    return [{ path: formatPath(here), type, usual, text }, ...(inner ? describe(inner, here) : [])]
  })
}

/** A path as it would be written in TOML: `host."example.org".certificate`. */
export function formatPath(path: readonly string[]): string {
  return path.map(name => (/^[\w*-]+$/.test(name) ? name : JSON.stringify(name))).join('.')
}

const words = v.pipe(v.string('must be text'), v.minLength(1, 'must not be empty'), v.maxLength(1000, 'must have at most 1000 characters'))

function setting<T>(schema: v.GenericSchema<unknown, T>, type: string, usual: unknown, text: string): Setting<T> {
  if (usual === undefined) return { schema, type, usual: '', text }
  return { schema: v.optional(schema, usual as never) as v.GenericSchema<unknown, T>, type, usual: JSON.stringify(usual), text }
}

function isGiven(value: unknown): boolean {
  return value !== undefined
}

/** One declaration per command: command line, admin socket, help and documents come from it. */
import type { Context, ServerContext, Setup } from './context.ts'
import { UsageError } from './operator-error.ts'

export interface Argument {
  readonly name: string
  readonly text: string
  readonly isOptional?: boolean
}

export interface Flag {
  readonly text: string
  /** What to write after it, in a word; without it the flag is true or absent. */
  readonly value?: string
}

export type Flags = Readonly<Record<string, Flag>>

/** What a command works on: nothing, the store (through the server if one runs), or a running server. */
export type Needs = 'none' | 'store' | 'server'
interface Contexts {
  none: Setup
  store: Context
  server: ServerContext
}

type ArgumentValues<A extends readonly Argument[]> = {
  readonly [Arg in A[number] as Arg['name']]: Arg extends { isOptional: true } ? string | undefined : string
}
type FlagValues<F extends Flags> = { readonly [K in keyof F]: (F[K] extends { value: string } ? string : true) | undefined }
type Input<A extends readonly Argument[], F extends Flags, S extends string> = ArgumentValues<A> &
  FlagValues<F> & { readonly [K in S]: string }

/** What came of a command. */
export interface Outcome {
  /** The result, for people. */
  readonly text?: string
  /** A sentence about it, which is not part of the result. */
  readonly said?: string
  /** The result, for programs; it can be written as JSON. */
  readonly data: unknown
  /** 0 unless told: 1 when something failed or needs attention, 2 when problems were found. */
  readonly exitCode?: number
}

export interface Command {
  readonly name: readonly string[]
  readonly summary: string
  readonly args: readonly Argument[]
  readonly flags: Flags
  readonly needs: Needs
  /** A value that is asked for, or read from standard input; it never stands on the command line. */
  readonly secret: string | undefined
  readonly isDestructive: boolean
  // biome-ignore lint/suspicious/noExplicitAny: defineCommand checks the types of context and input
  run(context: any, input: any): Promise<Outcome>
}

/** Declares a command. The types of its arguments, flags and secret flow into `run`. */
export function defineCommand<
  N extends Needs,
  const A extends readonly Argument[] = [],
  const F extends Flags = {},
  const S extends string = never,
>(command: {
  name: readonly [string, ...string[]]
  summary: string
  needs: N
  args?: A
  flags?: F
  secret?: S
  isDestructive?: boolean
  run(context: Contexts[N], input: Input<A, F, S>): Promise<Outcome>
}): Command {
  return { args: [], flags: {}, isDestructive: false, ...command, secret: command.secret }
}

/** The values for a command as they come from outside, by name. */
export type RawInput = Readonly<Record<string, string | true | undefined>>

/** Checks values that come from outside against the declaration. Throws a UsageError. */
export function readInput(command: Command, raw: unknown): RawInput {
  if (typeof raw !== 'object' || raw === null) throw new UsageError('the input is not an object')
  const given = new Map(Object.entries(raw))
  const input: Record<string, string | true> = {}
  const take = (name: string, isFlag: boolean, isRequired: boolean): void => {
    const value = given.get(name)
    given.delete(name)
    if (value === undefined && isRequired) throw new UsageError(`<${name}> is missing`)
    if (value === undefined) return
    if (isFlag ? value !== true : typeof value !== 'string' || value === '')
      throw new UsageError(`${name} ${isFlag ? 'takes no value' : 'needs a value'}`)
    input[name] = value
  }
  for (const { name, isOptional } of command.args) take(name, false, isOptional !== true)
  for (const [name, { value }] of Object.entries(command.flags)) take(name, value === undefined, false)
  if (command.secret !== undefined) take(command.secret, false, true)
  for (const name of given.keys()) throw new UsageError(`${name} is not known to ${command.name.join(' ')}`)
  return input
}

/** `user add <address>`: how a command is written. */
export function usageOf(command: Command): string {
  const args = command.args.map(({ name, isOptional }) => (isOptional ? `[${name}]` : `<${name}>`))
  const flags = Object.entries(command.flags).map(([name, { value }]) => `[--${name}${value ? ` ${value.toUpperCase()}` : ''}]`)
  return [...command.name, ...args, ...flags].join(' ')
}

/** `conexizan <command> …`: reads the command line, runs the command in the server that runs or on the store, and writes what came of it. */
import { parseArgs } from 'node:util'
import type { Config } from './config.ts'
import type { Program, Setup } from './context.ts'
import { commandHelp, commonFlags, helpText } from './help.ts'
import { nearest } from './nearest.ts'
import { OperatorError, UsageError } from './operator-error.ts'
import { type Command, type Outcome, type RawInput, readInput } from './registry.ts'
import { askSecret, bold, confirm, type Terminal } from './terminal.ts'

export interface CommandLine {
  readonly commands: readonly Command[]
  readonly version: string
  readonly terminal: Terminal
  /** The settings file to use when none is named; undefined if there is none. */
  findFile(): string | undefined
  loadConfig(file: string | undefined, program: Program): Promise<Config>
  loadProgram(): Promise<Program>
}

/** Runs one command line and resolves with the exit code. */
export async function runCommandLine(argv: readonly string[], line: CommandLine): Promise<number> {
  const { stdout, stderr } = line.terminal
  try {
    const asked = readArguments(argv, line.commands)
    if (asked.common.version) return print(stdout, `conexizan ${line.version}`)
    if (asked.command === undefined) return print(stdout, helpText(line.commands, bold(line.terminal, stdout)))
    if (asked.common.help) return print(stdout, commandHelp(asked.command, bold(line.terminal, stdout)))
    const outcome = await run(asked as Asked & { command: Command }, line)
    const said = outcome.said && !asked.common.quiet ? outcome.said : ''
    if (said) stderr.write(`${said}\n`)
    if (asked.common.json) stdout.write(`${JSON.stringify(outcome.data)}\n`)
    else if (outcome.text) stdout.write(`${outcome.text}\n`)
    return outcome.exitCode ?? 0
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    stderr.write(`${error.message}\n`)
    return error.exitCode
  }
}

function print(stdout: Terminal['stdout'], text: string): number {
  stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

interface Asked {
  readonly command: Command | undefined
  readonly input: RawInput
  readonly common: Readonly<Partial<Record<keyof typeof commonFlags, string | true>>>
}

async function run({ command, input, common }: Asked & { command: Command }, line: CommandLine): Promise<Outcome> {
  const program = once(line.loadProgram)
  const file = (common.config as string | undefined) ?? line.findFile()
  const setup: Setup = {
    file,
    loadProgram: program,
    loadConfig: async () => line.loadConfig(file, await program()),
    tell: sentence => void (common.quiet || line.terminal.stderr.write(`${sentence}\n`)),
  }
  if (command.needs === 'none') return command.run(setup, readInput(command, input))

  await mayRemove(command, input, common.yes === true, line.terminal)
  const secret = command.secret === undefined ? {} : { [command.secret]: await askSecret(line.terminal, command.secret) }
  const complete = readInput(command, { ...input, ...secret })
  const config = await setup.loadConfig()
  const { askServer } = await import('./socket.ts')
  const reply = await askServer(config.data, { command: command.name, input: complete })
  if (reply !== undefined && 'error' in reply) throw new OperatorError(reply.error, reply.exitCode)
  if (reply !== undefined) return reply.outcome
  if (command.needs === 'server') throw new OperatorError('no server runs on this data folder; `conexizan start` starts one')
  await using store = await (await program()).openStore(config)
  return await command.run(store, complete)
}

async function mayRemove(command: Command, input: RawInput, isConfirmed: boolean, terminal: Terminal): Promise<void> {
  if (!command.isDestructive || isConfirmed) return
  if (terminal.stdin.isTTY !== true) throw new UsageError('this cannot be undone; add --yes if you are sure')
  const what = command.args.map(({ name }) => input[name]).join(' ')
  if (!(await confirm(terminal, `${command.name.join(' ')} ${what}: this cannot be undone. Go on?`)))
    throw new OperatorError('nothing was done')
}

/** Finds the command and its values. Throws a UsageError that helps on. */
function readArguments(argv: readonly string[], commands: readonly Command[]): Asked {
  const flags = Object.assign({}, commonFlags, ...commands.map(command => command.flags)) as Command['flags']
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [name, { type: value ? 'string' : 'boolean' } as const]),
  )
  const { positionals, tokens } = parseArgs({
    args: argv.map(arg => (arg === '-h' ? '--help' : arg === '-V' ? '--version' : arg)),
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  const command = commands.find(({ name }) => name.every((word, i) => word === positionals[i]))
  const given = tokens.filter(token => token.kind === 'option')
  const common: Record<string, string | true> = {}
  const own: Record<string, string | true> = {}
  for (const { name, value, rawName } of given) {
    const isCommon = name in commonFlags
    if (!isCommon && !(command && name in command.flags)) throw unknownFlag(rawName, command)
    if (flags[name]!.value ? !value : value !== undefined)
      throw new UsageError(`${rawName} ${flags[name]!.value ? 'needs a value' : 'takes no value'}`)
    ;(isCommon ? common : own)[name] = value ?? true
  }
  if (command === undefined) {
    if (positionals.length > 0 && !common['help']) throw unknownCommand(positionals, commands)
    return { command, input: {}, common }
  }
  const values = positionals.slice(command.name.length)
  if (values.length > command.args.length) throw tooMany(command, values)
  for (const [i, value] of values.entries()) own[command.args[i]!.name] = value
  const missing = command.args.find(({ name, isOptional }) => !isOptional && own[name] === undefined)
  if (missing && !common['help'] && !common['version'])
    throw new UsageError(`${command.name.join(' ')} needs <${missing.name}>: ${missing.text}`)
  return { command, input: own, common }
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): UsageError {
  const names = commands.map(({ name }) => name.join(' '))
  const group = names.filter(name => name.startsWith(`${words[0]} `))
  const meant = nearest(words.slice(0, 2).join(' '), names) ?? nearest(words[0]!, names)
  const hint = meant ? `did you mean ${meant}?` : `there are: ${(group.length > 0 ? group : names).join(', ')}`
  return new UsageError(`there is no command ${words.slice(0, group.length > 0 ? 2 : 1).join(' ')}; ${hint}`)
}

function unknownFlag(rawName: string, command: Command | undefined): UsageError {
  if (/^-{1,2}p(?:ass(?:w(?:or)?d)?|w)?$/i.test(rawName)) return new UsageError(`${rawName}: ${SECRETS}`)
  const known = [...Object.keys(commonFlags), ...Object.keys(command?.flags ?? {})].map(name => `--${name}`)
  const meant = nearest(rawName, known)
  return new UsageError(`${rawName} is not known; ${meant ? `did you mean ${meant}?` : `there are: ${known.join(', ')}`}`)
}

function tooMany(command: Command, values: readonly string[]): UsageError {
  if (command.secret !== undefined) return new UsageError(`${command.name.join(' ')}: ${SECRETS}`)
  return new UsageError(`${command.name.join(' ')} takes no ${JSON.stringify(values[command.args.length])}`)
}

const SECRETS =
  'a password does not belong on the command line, where others on this machine can read it; it is asked for, or read from standard input'

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => (loading ??= load())
}

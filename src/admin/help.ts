import { type Command, usageOf } from './registry.ts'

/** The flags that every command takes. */
export const commonFlags = {
  config: { value: 'file', text: 'The settings file; usually conexizan.toml here or /etc/conexizan/conexizan.toml.' },
  json: { text: 'Write the result as JSON.' },
  quiet: { text: 'Write only results and errors.' },
  yes: { text: 'Do not ask before something is removed.' },
  help: { text: 'Show help.' },
  version: { text: 'Show the version.' },
} as const

/** One line per command. */
export function helpText(commands: readonly Command[], bold: (text: string) => string = String): string {
  const lines = commands.map(command => ({ left: usageOf(command), right: command.summary }))
  return [
    bold('conexizan <command> [--config FILE] [--json] [--quiet]'),
    '',
    columns(lines),
    '',
    bold('For every command'),
    flagColumns(commonFlags),
    '',
  ].join('\n')
}

/** All that one command takes. */
export function commandHelp(command: Command, bold: (text: string) => string = String): string {
  const args = command.args.map(({ name, text }) => ({ left: name, right: text }))
  const parts = [`${bold(`conexizan ${usageOf(command)}`)}\n\n  ${command.summary}`]
  if (args.length > 0) parts.push(columns(args))
  if (Object.keys(command.flags).length > 0) parts.push(flagColumns(command.flags))
  if (command.secret) parts.push(`  The ${command.secret} is asked for, or is the first line of standard input.`)
  return `${parts.join('\n\n')}\n`
}

/** The commands as a page of Markdown, for docs/commands.md. */
export function commandsPage(commands: readonly Command[]): string {
  const sections = commands.map(command => `## ${command.name.join(' ')}\n\n\`\`\`\n${commandHelp(command)}\`\`\`\n`)
  return ['# Commands\n', ...sections].join('\n')
}

function flagColumns(flags: Command['flags']): string {
  return columns(
    Object.entries(flags).map(([name, { value, text }]) => ({ left: `--${name}${value ? ` ${value.toUpperCase()}` : ''}`, right: text })),
  )
}

function columns(lines: readonly { left: string; right: string }[]): string {
  const width = Math.min(40, Math.max(...lines.map(({ left }) => left.length)))
  return lines
    .map(({ left, right }) => (left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`))
    .join('\n')
}

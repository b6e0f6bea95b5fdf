/** What a command line reads from and writes to. */
import { styleText } from 'node:util'
import { OperatorError, UsageError } from './operator-error.ts'

export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
  ref?(): unknown
  unref?(): unknown
}

interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface Terminal {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Far more than a password may have; enough to know that it is none. */
const LONGEST_LINE = 4096

/** Bold where people look; plain in files, and where NO_COLOR asks for it. */
export function bold(terminal: Terminal, output: Output): (text: string) => string {
  const { NO_COLOR, FORCE_COLOR, TERM } = terminal.env
  const isWanted = NO_COLOR ? false : FORCE_COLOR ? FORCE_COLOR !== '0' : output.isTTY === true && TERM !== 'dumb'
  return text => (isWanted ? styleText('bold', text, { validateStream: false }) : text)
}

/** Asks twice for something that is not to be seen; without a terminal it is the first line of standard input. */
export async function askSecret(terminal: Terminal, what: string): Promise<string> {
  if (terminal.stdin.isTTY !== true) {
    const line = await readLine(terminal)
    if (!line) throw new UsageError(`the ${what} must be the first line of standard input`)
    return line
  }
  const first = await readLine(terminal, `New ${what}: `)
  if (!first) throw new OperatorError(`no ${what}, so nothing was done`)
  if ((await readLine(terminal, 'Once more: ')) !== first) throw new OperatorError('these were not the same, so nothing was done')
  return first
}

/** Asks a question; only `y` and `yes` are a yes. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const answer = await readLine(terminal, `${question} [y/N] `, true)
  return /^y(?:es)?$/i.test(answer.trim())
}

/** Reads one line, at a terminal key by key and without showing it unless it `isShown`. */
async function readLine({ stdin, stderr }: Terminal, prompt = '', isShown = false): Promise<string> {
  const isHidden = stdin.isTTY === true && !isShown
  stderr.write(prompt)
  stdin.ref?.()
  if (isHidden) stdin.setRawMode?.(true)
  const decoder = new TextDecoder()
  const typed: string[] = []
  try {
    for await (const chunk of untouched(stdin)) {
      for (const key of typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })) {
        if (key === '\n' || key === '\r') return typed.join('')
        if (isHidden && key === '\x03') throw new OperatorError('stopped, nothing was done', 130)
        if (isHidden && key === '\x04') return typed.join('')
        if (isHidden && (key === '\x7f' || key === '\b')) typed.pop()
        else typed.push(key)
        if (typed.length > LONGEST_LINE) throw new OperatorError('this line is too long')
      }
    }
    return typed.join('')
  } finally {
    stdin.unref?.() // or an open pipe would keep this process when its work is done
    if (isHidden) {
      stdin.setRawMode?.(false)
      stderr.write('\n')
    }
  }
}

/** The chunks of a stream, which stays open when the reader stops: there may be a second question. */
function untouched(stdin: Input): AsyncIterable<Uint8Array | string> {
  const { iterator } = stdin as { iterator?(options: { destroyOnReturn: boolean }): AsyncIterable<Uint8Array | string> }
  return iterator?.call(stdin, { destroyOnReturn: false }) ?? stdin
}

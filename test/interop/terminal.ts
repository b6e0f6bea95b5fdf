import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { run } from './server.ts'

const LOOK_EVERY = 50
const PATIENCE = 20_000

/** A program in a terminal of its own, with a home of its own: what a person would type and see. */
export class Terminal implements AsyncDisposable {
  readonly home: string

  readonly #server: ChildProcess

  private constructor(home: string) {
    this.home = home
    // Not as a daemon: whoever ends the tests ends it too.
    this.#server = spawn('tmux', ['-S', this.#socket, '-f', '/dev/null', '-D'], { stdio: 'ignore', env: this.#env })
  }

  static async start(program: string, env: Record<string, string>): Promise<Terminal> {
    const terminal = new Terminal(await mkdtemp(join(tmpdir(), 'interop-home-')))
    const all = {
      HOME: terminal.home,
      XDG_CONFIG_HOME: `${terminal.home}/config`,
      XDG_DATA_HOME: `${terminal.home}/data`,
      LANG: 'C.UTF-8',
      ...env,
    }
    const settings = Object.entries(all).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    while (!existsSync(terminal.#socket)) await pause(LOOK_EVERY)
    await terminal.#tmux('new-session', '-d', '-x', '200', '-y', '50', ...settings, program)
    return terminal
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line)
    await this.#tmux('send-keys', 'Enter')
  }

  /** Presses a key, which has the name that tmux gives it. */
  async press(key: string): Promise<void> {
    await this.#tmux('send-keys', key)
  }

  /** What stands there. */
  screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p', '-J')
  }

  /** Looks at the screen until this stands there. */
  shows(wanted: string | RegExp): Promise<string> {
    return look('the screen', wanted, () => this.screen())
  }

  /** Looks at a file in its home until this stands there. */
  writes(file: string, wanted: string | RegExp): Promise<string> {
    return look(file, wanted, () => readFile(join(this.home, file), 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#server, 'exit')
    this.#server.kill()
    await ended
    await rm(this.home, { recursive: true, maxRetries: 5 })
  }

  get #socket(): string {
    return join(this.home, 'tmux')
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8', TMUX: '' }
  }

  #tmux(...args: string[]): Promise<string> {
    return run('tmux', ['-S', this.#socket, ...args], '', this.#env)
  }
}

async function look(where: string, wanted: string | RegExp, read: () => Promise<string>): Promise<string> {
  const until = performance.now() + PATIENCE
  for (;;) {
    const text = await read()
    if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return text
    if (performance.now() > until) throw new Error(`${where} does not show ${wanted}:\n${text.replace(/\n+/g, '\n').slice(-10_000)}`)
    await pause(LOOK_EVERY)
  }
}

/** A program without store and server, for the tests of this folder. */
import { PassThrough } from 'node:stream'
import { type CommandLine, runCommandLine } from './command-line.ts'
import { commands } from './commands/index.ts'
import { type Config, defaultConfig } from './config.ts'
import type { Acquaintance, Program, ServerContext } from './context.ts'
import { OperatorError } from './operator-error.ts'

export class FakeProgram implements Program {
  readonly modules = {}
  readonly passwords = new Map<string, string>()
  readonly hosts: readonly string[]
  isStoreBroken = false
  opened = 0
  closed = 0
  stopped = 0
  restarted = 0
  certificates: string[] = []
  gaps: string[] = []
  acquaintances: Acquaintance[] = []
  readonly choices = new Map<string, string>()
  isHalted = false

  constructor(hosts: readonly string[] = ['localhost']) {
    this.hosts = hosts
  }

  context(config: Config): ServerContext {
    const { passwords } = this
    return {
      config,
      hosts: () => this.hosts,
      accounts: domain => ({
        async create(name, password) {
          if (name === 'root') throw new OperatorError('this name is not allowed')
          if (passwords.has(`${name}@${domain}`)) return false
          return passwords.set(`${name}@${domain}`, password) !== undefined
        },
        list: async () => [...passwords.keys()].filter(address => address.endsWith(`@${domain}`)).map(address => address.split('@')[0]!),
        setPassword: async (name, password) =>
          passwords.has(`${name}@${domain}`) && passwords.set(`${name}@${domain}`, password) ? { isLost: true } : undefined,
        remove: async name => passwords.delete(`${name}@${domain}`),
        exists: async name => passwords.has(`${name}@${domain}`),
      }),
      invites: domain => ({
        create: async ({ name, lifetime = 86_400_000 }) => {
          if (name === 'fault') throw new TypeError('alice@localhost')
          return { token: 't0', uri: `xmpp:${name ? `${name}@` : ''}${domain}?register;preauth=t0`, expiresAt: lifetime }
        },
      }),
      retention: domain => ({
        possible: ['relay', '7d'],
        of: async name => (passwords.has(`${name}@${domain}`) ? (this.choices.get(`${name}@${domain}`) ?? '7d') : undefined),
        choose: async (name, choice) => passwords.has(`${name}@${domain}`) && this.choices.set(`${name}@${domain}`, choice) !== undefined,
      }),
      confirmClock: async () => {
        this.isHalted = false
      },
      federation: {
        list: () => this.acquaintances,
        close: domain => this.acquaintances.some(other => other.domain === domain),
        ping: async domain => (this.acquaintances.some(other => other.domain === domain) ? undefined : 'it does not exist'),
      },
      hooks: () => ['messageIn.check  blocking'],
      status: () => ({ sessions: 3, accounts: passwords.size, expiry_halted: Number(this.isHalted) }),
      stop: () => void this.stopped++,
      restart: () => void this.restarted++,
    }
  }

  async openStore(config: Config) {
    if (this.isStoreBroken) throw new OperatorError('the store is of a newer version', 78)
    this.opened++
    return { ...this.context(config), [Symbol.asyncDispose]: async () => void this.closed++ }
  }

  async serve() {
    return { notes: ['Listening on 127.0.0.1:5222.'], stopped: Promise.resolve(0) }
  }

  async checkCertificates() {
    return { problems: this.certificates, gaps: this.gaps }
  }
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Situation extends Partial<Pick<CommandLine, 'findFile' | 'loadConfig'>> {
  readonly program: Program
  /** The data folder. */
  readonly data: string
  readonly stdin?: string
  readonly isTTY?: boolean
}

/** Runs a command line in this process. */
export async function runLine(words: string, { program, data, stdin = '', isTTY = false, ...rest }: Situation): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const input = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode: (isRaw: boolean) => void (written.stderr += isRaw ? '<hidden>' : '<shown>'),
  })
  // A terminal hands over one line at a time.
  void (async () => {
    for (const line of stdin.split(/(?<=\n)/)) {
      input.write(line)
      await new Promise(resolve => setImmediate(resolve))
    }
    if (!isTTY) input.end()
  })()
  const output = (name: keyof typeof written) => ({ isTTY, write: (text: string) => void (written[name] += text) })
  const code = await runCommandLine(words.split(' ').filter(Boolean), {
    commands,
    version: '1.2.3',
    terminal: { stdin: input, stdout: output('stdout'), stderr: output('stderr'), env: { NO_COLOR: '1' } },
    findFile: () => undefined,
    loadProgram: async () => program,
    loadConfig: async (_, { modules }) => defaultConfig(modules, data),
    ...rest,
  })
  return { code, ...written }
}

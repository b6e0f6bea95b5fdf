import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Program } from './gateway.ts'
import { within } from './server.ts'

/** The IRC server ngircd on an address of this machine, at the port that everybody expects (RFC 7194 §1). */
export async function startIrc(address: string): Promise<Program> {
  const settings = (folder: string): string => `
[Global]
Name = irc.localhost
Info = for a test
AdminInfo1 = nobody
Listen = ${address}
Ports = ${IRC_PORT}
MotdPhrase = Welcome
[Limits]
MaxConnectionsIP = 0
[Options]
DNS = no
Ident = no
PAM = no
IncludeDir = ${folder}
`
  const server = await Program.start('ngircd', ['--nodaemon', '--config'], settings)
  await server.says('ready.')
  return server
}

const IRC_PORT = 6667

/** Somebody on IRC (RFC 2812), line by line. */
export class IrcUser implements Disposable {
  readonly nick: string
  readonly #socket: Socket
  readonly #heard: string[] = []
  #changed = Promise.withResolvers<void>()

  private constructor(nick: string, socket: Socket) {
    this.nick = nick
    this.#socket = socket
    createInterface({ input: socket }).on('line', line => {
      if (process.env['INTEROP_WIRE']) process.stderr.write(`[irc ${nick}] ${line}\n`)
      if (line.startsWith('PING ')) this.says(line.replace('PING', 'PONG'))
      this.#heard.push(line)
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    })
  }

  static async online(nick: string, address: string): Promise<IrcUser> {
    const socket = connect(IRC_PORT, address)
    await once(socket, 'connect')
    const user = new IrcUser(nick, socket)
    user.says(`NICK ${nick}`, `USER ${nick} 0 * :${nick}`)
    await user.hears(/ 001 /)
    return user
  }

  says(...lines: string[]): void {
    this.#socket.write(lines.map(line => `${line}\r\n`).join(''))
  }

  /** Waits for a line like this, and takes it out of what was heard. */
  async hears(line: RegExp): Promise<string> {
    const look = async (): Promise<string> => {
      for (;;) {
        const at = this.#heard.findIndex(heard => line.test(heard))
        if (at >= 0) return this.#heard.splice(at, 1)[0]!
        await this.#changed.promise
      }
    }
    return within(20_000, look(), String(line)).catch(error => {
      throw new Error(`${this.nick}: ${error.message}; heard were ${JSON.stringify(this.#heard)}`)
    })
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

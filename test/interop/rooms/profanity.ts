import type { Terminal } from '../terminal.ts'
import type { Occupant } from './occupant.ts'

/** A line of a room: a time, perhaps with a date before it, and what somebody has said. */
const SAID = /^(?:\S+ )?\d\d:\d\d:\d\d - (\S+): (.*?)(?:\s{2,}|$)/
/** Beside the room, those who are there under their role. */
const ROLES = ['Moderators', 'Participants', 'Visitors']
const PANEL = new RegExp(`^(.*)(?:${ROLES.join('|')})\\s*$`)

/** Somebody with profanity, whose window is the room. */
export class ProfanityOccupant implements Occupant {
  nick: string
  readonly address: string
  readonly terminal: Terminal
  readonly room: string

  private constructor(terminal: Terminal, address: string, room: string, nick: string) {
    this.terminal = terminal
    this.address = address
    this.room = room
    this.nick = nick
  }

  static async enter(terminal: Terminal, address: string, room: string, nick: string, password?: string): Promise<ProfanityOccupant> {
    const occupant = new ProfanityOccupant(terminal, address, room, nick)
    await occupant.entersAgain(password)
    return occupant
  }

  async entersAgain(password?: string): Promise<void> {
    await this.terminal.type(`/join ${this.room} nick ${this.nick}${password === undefined ? '' : ` password ${password}`}`)
    await this.terminal.shows(`You have joined the room as ${this.nick}`)
  }

  async invites(address: string, reason: string): Promise<void> {
    await this.terminal.type(`/invite send ${address} "${reason}"`)
  }

  says(text: string): Promise<void> {
    return this.terminal.type(text)
  }

  async transcript(): Promise<readonly string[]> {
    const lines = (await this.terminal.screen()).split('\n')
    return lines.flatMap(line => {
      const [, nick, text] = SAID.exec(line) ?? []
      return nick === undefined ? [] : [`${nick}: ${text}`]
    })
  }

  async present(): Promise<readonly string[]> {
    const lines = (await this.terminal.screen()).split('\n')
    const column = Math.min(...lines.flatMap(line => PANEL.exec(line)?.[1]?.length ?? []))
    if (column === Number.POSITIVE_INFINITY) return []
    const names = lines.slice(1, -4).map(line => line.slice(column).trim())
    return names.filter(name => name !== '' && !ROLES.includes(name))
  }

  async takesNick(nick: string): Promise<void> {
    await this.terminal.type(`/nick ${nick}`)
    this.nick = nick
  }

  leaves(): Promise<void> {
    return this.terminal.type('/close')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.terminal[Symbol.asyncDispose]()
  }
}

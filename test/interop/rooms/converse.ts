import type { Page } from '../browser.ts'
import { type Occupant, until } from './occupant.ts'

/** As XEP-0045 §15.5 names them, without the prefix. */
export type RoomConfig = Readonly<Record<string, string | boolean>>

/** Somebody with Converse.js, whose open chat is the room. */
export class ConverseOccupant implements Occupant {
  readonly nick: string
  readonly address: string
  readonly #page: Page

  private constructor(page: Page, address: string, nick: string) {
    this.#page = page
    this.address = address
    this.nick = nick
  }

  /** In that room, which the client makes if it is told how to configure it; of the passwords the last is right. */
  static async enter(
    page: Page,
    address: string,
    room: string,
    nick: string,
    config?: RoomConfig,
    passwords: readonly string[] = [],
  ): Promise<ConverseOccupant> {
    await page.until('globalThis.driver?.isConnected()')
    await page.evaluate(`driver.enter(...${JSON.stringify([room, nick, config].filter(argument => argument !== undefined))})`)
    const occupant = new ConverseOccupant(page, address, nick)
    for (const [at, password] of passwords.entries()) {
      await page.evaluate(`driver.unlock(${JSON.stringify(password)})`)
      if (at < passwords.length - 1) await page.until<string | undefined>('driver.complaint()', told => (told ?? '') !== '')
    }
    await occupant.isIn()
    // XEP-0045 §10.1: until then nobody else can enter.
    if (config !== undefined) await page.until('driver.isDone()')
    return occupant
  }

  /** Waits until it is, or is again. */
  async isIn(): Promise<void> {
    await this.#page.until('driver.isInRoom()')
  }

  says(text: string): Promise<void> {
    return this.#page.evaluate(`driver.write(${JSON.stringify(text)})`)
  }

  transcript(): Promise<readonly string[]> {
    return this.#ask('transcript')
  }

  present(): Promise<readonly string[]> {
    return this.#ask('present')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#page.close()
  }

  async leaves(): Promise<void> {
    await this.#ask('leave')
  }

  /** Waits until somebody has this role. */
  async sees(nick: string, role: string): Promise<void> {
    await this.#page.until(`driver.roleOf(${JSON.stringify(nick)})`, found => found === role)
  }

  /** Waits until these are the hats of somebody. */
  async seesHats(nick: string, titles: readonly string[]): Promise<void> {
    await this.#page.until<string[] | undefined>(`driver.hatsOf(${JSON.stringify(nick)})`, found => found?.join() === titles.join())
  }

  /** Waits until the picture of the room has this colour. */
  async seesAvatar(colour: string): Promise<void> {
    await this.#page.until('driver.avatar()', shown => shown === colour)
  }

  /** A picture of one colour, as a PNG in base64. */
  paint(colour: string): Promise<string> {
    return this.#ask('paint', colour)
  }

  async seesSubject(subject: string): Promise<void> {
    await this.#page.until('driver.subject()', found => found === subject)
  }

  /** Waits until there stands why it is not in the room any more. */
  async isTold(...reasons: readonly string[]): Promise<void> {
    await this.#page.until<string[]>('driver.farewell()', found => reasons.every(reason => found.some(told => told.includes(reason))))
  }

  /** Its own message, or as a moderator another's. */
  async retracts(text: string, reason = ''): Promise<void> {
    await this.#ask('retract', text, reason)
  }

  async invites(address: string, reason: string): Promise<void> {
    await this.#ask('invite', address, reason)
  }

  async whispers(nick: string, text: string): Promise<void> {
    await this.#ask('whisper', nick, text)
  }

  async hearsFrom(nick: string, texts: readonly string[]): Promise<void> {
    const asked = (): Promise<readonly string[]> => this.#ask('whispered', nick)
    await until(`${this.nick} hears ${texts} from ${nick}`, asked, heard => heard.join() === texts.join())
  }

  /** What is to be seen in a window of this size, as a PNG. */
  async capture(file: string, width: number, height: number): Promise<void> {
    await this.#page.resize(width, height)
    await this.#page.capture(file)
  }

  #ask<T>(what: string, ...args: readonly unknown[]): Promise<T> {
    return this.#page.evaluate(`driver.${what}(...${JSON.stringify(args)})`)
  }
}

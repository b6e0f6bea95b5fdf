import type { Page } from './browser.ts'

interface Known {
  readonly body: string
  readonly stanzaId: string
}

/** A tab in which chats can be opened, of which one is seen. */
export class Chat implements AsyncDisposable {
  readonly #page: Page

  private constructor(page: Page) {
    this.#page = page
  }

  static async open(page: Page): Promise<Chat> {
    await page.until('globalThis.driver?.isConnected()')
    return new Chat(page)
  }

  async turnTo(peer: string): Promise<void> {
    await this.#page.evaluate(`driver.open(${JSON.stringify(peer)})`)
  }

  /** Waits until these texts are on the screen, and there is nothing else. */
  async shows(texts: readonly string[]): Promise<void> {
    await this.knows(texts)
    await this.#page.until<string[]>('driver.shown()', shown => shown.join() === texts.join())
  }

  /** Waits until these texts, and no others, are on the screen or above or below. */
  async knows(texts: readonly string[]): Promise<void> {
    await this.#page.until<string[]>('driver.known().map(({ body }) => body)', known => known.join() === texts.join())
  }

  /** Scrolls up until nothing is missing, and to where all begins. Gives all that was found. */
  async scrollToTop(): Promise<Known[]> {
    await this.#page.until('driver.scrollUp()', gaps => gaps === 0)
    const known = await this.#page.evaluate<Known[]>('driver.known()')
    await this.#page.until<string[]>('(driver.scrollUp(), driver.shown())', ([first]) => first === known[0]?.body)
    return known
  }

  async write(text: string): Promise<void> {
    await this.#page.evaluate(`driver.write(${JSON.stringify(text)})`)
  }

  /** Waits until its keys for OMEMO, of both kinds, are where everybody finds them. */
  async announced(): Promise<void> {
    await this.#page.until('driver.isAnnounced()')
  }

  /** Waits until it will encrypt, and knows so many devices of that address to encrypt to, of which some know the new OMEMO too. */
  async encryptsTo(peer: string, old: number, modern: number): Promise<void> {
    await this.#page.until('driver.isEncrypting()')
    await this.#page.until<number[]>(`driver.devices(${JSON.stringify(peer)})`, known => known.join() === `${old},${modern}`)
  }

  /** The texts that came or went encrypted, and not in the clear besides. */
  async secrets(): Promise<string[]> {
    return this.#page.evaluate('driver.secrets()')
  }

  /** Chooses a picture of one colour for itself, and gives it as it is published, as a PNG. */
  async chooseAvatar(colour: string): Promise<Buffer> {
    await this.#page.evaluate(`driver.chooseAvatar(${JSON.stringify(colour)})`)
    return Buffer.from(await this.#page.until<string>('driver.ownAvatar()'), 'base64')
  }

  /** Waits until the picture of the one that is talked with has this colour. */
  async showsAvatar(colour: string): Promise<void> {
    await this.#page.until('driver.avatar()', shown => shown === colour)
  }

  /** A picture of one colour, as a PNG. */
  async paint(colour: string): Promise<Buffer> {
    return Buffer.from(await this.#page.evaluate<string>(`driver.paint(${JSON.stringify(colour)})`), 'base64')
  }

  async bookmark(room: string, name: string, nick: string): Promise<void> {
    await this.#page.evaluate(`driver.bookmark(...${JSON.stringify([room, name, nick])})`)
    await this.#page.until('driver.isDone()')
  }

  async unbookmark(room: string): Promise<void> {
    await this.#page.evaluate(`driver.unbookmark(${JSON.stringify(room)})`)
    await this.#page.until('driver.isDone()')
  }

  /** Waits until these rooms are bookmarked, and no others. */
  async hasBookmarked(...rooms: readonly string[]): Promise<void> {
    await this.#page.until<string[] | undefined>('driver.bookmarks()', found => found?.join() === rooms.join())
  }

  /** What is to be seen in a small window, as a PNG. */
  async capture(file: string): Promise<void> {
    await this.#page.resize(800, 420)
    await this.#page.capture(file)
  }

  async changePassword(password: string): Promise<void> {
    await this.#page.evaluate(`driver.changePassword(${JSON.stringify(password)})`)
    await this.#page.until('driver.says("Your new password has been set")')
  }

  async reload(peer: string): Promise<void> {
    await this.#page.until('driver.isKept()')
    await this.#page.reload()
    await this.#page.until('globalThis.driver?.isConnected()')
    await this.turnTo(peer)
  }

  async logout(): Promise<void> {
    await this.#page.evaluate('driver.logout()')
    await this.#page.until('!driver.isConnected()')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close()
  }
}

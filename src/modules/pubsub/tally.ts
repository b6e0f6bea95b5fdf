/** How many bytes there are: read once, and from then on counted. */
export class Tally {
  readonly #read: () => Promise<number>
  #size: number | undefined

  constructor(read: () => Promise<number>) {
    this.#read = read
  }

  /** Whether so many more make no more than `most`. */
  async hasRoom(more: number, most: number): Promise<boolean> {
    this.#size ??= await this.#read()
    if (this.#size + more <= most) return true
    // Some may have expired.
    this.#size = await this.#read()
    return this.#size + more <= most
  }

  /** So many are there more, or fewer. */
  grow(more: number): void {
    if (this.#size !== undefined) this.#size += more
  }

  forget(): void {
    this.#size = undefined
  }
}

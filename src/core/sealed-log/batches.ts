import { type Db, name, type Sql, sql } from '../../storage/db.ts'
import { bufferOf } from './opening.ts'

/** A batch that is not needed any more. */
interface Spent {
  readonly number: number
  readonly bytes: Buffer
  isOld: boolean
}

/**
 * The table of batches. One that is spent is written over by another of its size, as to remove it and add that one takes longer. So is
 * its memory: batches live just long enough for V8 to take them for lasting, and what they leave behind would have it collect all.
 */
export class Batches {
  readonly #db: Db
  readonly #table: Sql
  #next = 1
  #spent: Spent[] = []

  constructor(db: Db, prefix: string) {
    this.#db = db
    this.#table = name(`${prefix}_unfiled`)
  }

  get hasSpent(): boolean {
    return this.#spent.length > 0
  }

  async read(): Promise<{ readonly number: number; readonly bytes: Buffer }[]> {
    const rows = await this.#db.all<{ number: number; messages: Uint8Array }>(
      sql`SELECT number, messages FROM ${this.#table} ORDER BY number`,
    )
    this.#next = (rows.at(-1)?.number ?? 0) + 1
    return rows.map(({ number, messages }) => ({ number, bytes: bufferOf(messages) }))
  }

  /** Of that size: that of a batch that is spent, where there is one, with what that held. It is to be written at once. */
  memory(size: number): Buffer {
    return this.#spent.find(({ bytes }) => bytes.length === size)?.bytes ?? Buffer.allocUnsafeSlow(size)
  }

  /** Over the batch whose memory it is, if that is spent. Gives the number of the batch when it is on disk. */
  async write(bytes: Buffer): Promise<number> {
    const index = this.#spent.findIndex(spent => spent.bytes === bytes)
    const [spent] = index < 0 ? [] : this.#spent.splice(index, 1)
    try {
      const written = spent && (await this.#db.run(sql`UPDATE ${this.#table} SET messages = ${bytes} WHERE number = ${spent.number}`))
      return spent !== undefined && written === 1 ? spent.number : await this.#add(bytes)
    } catch (error) {
      if (spent !== undefined) this.#spent.push(spent)
      throw error
    }
  }

  async #add(bytes: Buffer): Promise<number> {
    const number = this.#next++
    await this.#db.insert(sql`INSERT INTO ${this.#table} (number, messages)`, [[number, bytes]])
    return number
  }

  /** It is not needed any more, nor is its memory. */
  spend(number: number, bytes: Buffer): void {
    this.#spent.push({ number, bytes, isOld: false })
  }

  /** Removes those that were spent when this was called last. */
  async clearOld(): Promise<void> {
    await this.#remove(this.#spent.filter(({ isOld }) => isOld))
    for (const spent of this.#spent) spent.isOld = true
  }

  /** Removes all that are spent. */
  clear(): Promise<void> {
    return this.#remove(this.#spent)
  }

  async #remove(those: readonly Spent[]): Promise<void> {
    this.#spent = this.#spent.filter(spent => !those.includes(spent))
    const removed = those.map(({ number }) => this.#db.run(sql`DELETE FROM ${this.#table} WHERE number = ${number}`))
    try {
      await Promise.all(removed)
    } catch (error) {
      this.#spent.push(...those)
      throw error
    }
  }
}

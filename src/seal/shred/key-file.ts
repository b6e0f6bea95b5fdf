import { randomFillSync } from 'node:crypto'
import { SealError } from '../seal-error.ts'
import type { Disk, DiskFile } from './disk.ts'
import { type KeyRecord, RECORD_SIZE, readKeyRecord, writeKeyRecord } from './key-record.ts'
import { newest } from './newest.ts'

/** The file with the keys of the other file. It has two places for one record: what is new is written to the one that does not count. */
export class KeyFile {
  readonly #file: DiskFile
  #record: KeyRecord
  #place: 0 | 1
  /** Whether the record before is still there. */
  #isDirty = false

  private constructor(file: DiskFile, record: KeyRecord, place: 0 | 1) {
    this.#file = file
    this.#record = record
    this.#place = place
  }

  /** Undefined if there is none. Throws a SealError if it cannot be read. */
  static async open(disk: Disk, path: string): Promise<KeyFile | undefined> {
    const file = await disk.open(path)
    if (file === undefined) return undefined
    const bytes = await file.read(0, 2 * RECORD_SIZE)
    const [first, second] = [readKeyRecord(bytes.subarray(0, RECORD_SIZE)), readKeyRecord(bytes.subarray(RECORD_SIZE))]
    bytes.fill(0)
    const record = newest([first, second])
    if (record !== undefined) return new KeyFile(file, record, record === first ? 0 : 1)
    await file.close()
    throw new SealError('unreadable', 'the file with the key of the shred secrets is damaged')
  }

  /** There is such a file when all of it is durable, and not before. */
  static async create(disk: Disk, path: string, record: KeyRecord): Promise<KeyFile> {
    const file = await disk.create(`${path}.new`)
    try {
      await file.write(RECORD_SIZE, randomFillSync(Buffer.alloc(RECORD_SIZE)))
      await writeRecord(file, 0, record)
      await disk.rename(`${path}.new`, path)
    } catch (error) {
      await file.close()
      throw error
    }
    return new KeyFile(file, record, 0)
  }

  get record(): KeyRecord {
    return this.#record
  }

  /** If it fails the record is what it was. The one before stays on the disk until `wipe`, or the next but one. */
  async set(changes: Partial<KeyRecord>): Promise<void> {
    const record = { ...this.#record, ...changes, version: this.#record.version + 1 }
    const place = this.#place === 0 ? 1 : 0
    await writeRecord(this.#file, place, record)
    this.#record = record
    this.#place = place
    this.#isDirty = true
  }

  /** Overwrites the record before. */
  async wipe(): Promise<void> {
    if (!this.#isDirty) return
    await this.#file.write((1 - this.#place) * RECORD_SIZE, randomFillSync(Buffer.alloc(RECORD_SIZE)))
    await this.#file.sync()
    this.#isDirty = false
  }

  async close(): Promise<void> {
    this.#record.key.fill(0)
    this.#record.former?.fill(0)
    await this.#file.close()
  }
}

async function writeRecord(file: DiskFile, place: 0 | 1, record: KeyRecord): Promise<void> {
  const bytes = writeKeyRecord(record)
  try {
    await file.write(place * RECORD_SIZE, bytes)
    await file.sync()
  } finally {
    bytes.fill(0)
  }
}

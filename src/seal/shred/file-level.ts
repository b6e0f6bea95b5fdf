import { randomFillSync } from 'node:crypto'
import { SealError } from '../seal-error.ts'
import type { Disk, DiskFile } from './disk.ts'
import { freeBlocks } from './image.ts'
import { KeyFile } from './key-file.ts'
import type { ShredLevel } from './level.ts'
import { newest } from './newest.ts'
import { openBlock, PAGE_SIZE, sealBlock } from './sealed-block.ts'

/** Where a block is: it has two pages, and what is new goes to the one that does not count. */
interface Place {
  readonly page: 0 | 1
  readonly version: number
  readonly epoch: number
}

const KEY_SIZE = 32
/** So many blocks are read or written at once. */
const STRIDE = 16

/** Opens or makes the files at `path`. The blocks go to the caller. Throws a SealError. */
export async function openFileLevel(path: string, disk: Disk): Promise<{ level: ShredLevel; blocks: Buffer[] }> {
  const unlock = disk.lock(`${path}.lock`)
  try {
    return (await FileLevel.open(path, disk, unlock)) ?? (await FileLevel.create(path, disk, unlock))
  } catch (error) {
    unlock()
    throw error
  }
}

/** A file of blocks under one key, and a file with that key. All is overwritten in place: nothing but growth needs room on the disk. */
class FileLevel implements ShredLevel {
  readonly isNew: boolean
  readonly #file: DiskFile
  readonly #keys: KeyFile
  readonly #unlock: () => void
  readonly #places: Place[]
  /** Blocks whose other page still has what was destroyed. */
  readonly #dirty = new Set<number>()

  private constructor(isNew: boolean, file: DiskFile, keys: KeyFile, unlock: () => void, places: Place[]) {
    this.isNew = isNew
    this.#file = file
    this.#keys = keys
    this.#unlock = unlock
    this.#places = places
  }

  static async create(path: string, disk: Disk, unlock: () => void): Promise<{ level: FileLevel; blocks: Buffer[] }> {
    const blocks = freeBlocks(0, 0)
    const record = { version: 1, epoch: 1, key: newKey(), former: undefined, blocks: blocks.length, day: 0, clock: 0 }
    const file = await disk.create(path)
    try {
      const places = await append(file, record.key, record.epoch, 0, blocks)
      return { level: new FileLevel(true, file, await KeyFile.create(disk, `${path}.key`, record), unlock, places), blocks }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Undefined if there is nothing yet. */
  static async open(path: string, disk: Disk, unlock: () => void): Promise<{ level: FileLevel; blocks: Buffer[] } | undefined> {
    const keys = await KeyFile.open(disk, `${path}.key`)
    if (keys === undefined) return undefined
    const file = await disk.open(path)
    try {
      if (file === undefined) throw new SealError('unreadable', 'the file of shred secrets is missing, though its key is there')
      const { blocks, places } = await readBlocks(file, keys)
      const level = new FileLevel(false, file, keys, unlock, places)
      // What a crash has left half overwritten dies with the key.
      await level.#rekey(blocks, keys.record.day)
      return { level, blocks }
    } catch (error) {
      await keys.close()
      await file?.close()
      throw error
    }
  }

  get clock(): number {
    return this.#keys.record.clock
  }

  async write(blocks: ReadonlyMap<number, Buffer>, isDestroying: boolean): Promise<void> {
    try {
      await this.#replace([...blocks])
    } catch (error) {
      // In doubt the blocks would be the new ones after a crash, and the caller believes that they are the old.
      await this.#overwrite([...blocks.keys()]).catch(() => {})
      throw error
    }
    if (isDestroying) for (const index of blocks.keys()) this.#dirty.add(index)
  }

  async wipe(): Promise<void> {
    await this.#keys.wipe()
    if (this.#dirty.size === 0) return
    await this.#overwrite([...this.#dirty])
    this.#dirty.clear()
  }

  async grow(there: number, slots: number): Promise<Buffer[]> {
    const { key, epoch } = this.#keys.record
    const blocks = freeBlocks(there, slots)
    const places = await append(this.#file, key, epoch, there, blocks)
    await this.#keys.set({ blocks: there + blocks.length })
    this.#places.push(...places)
    return blocks
  }

  async setClock(clock: number): Promise<void> {
    await this.#keys.set({ clock })
  }

  async rekey(blocks: readonly Buffer[], day: number): Promise<void> {
    if (this.#keys.record.day !== day || this.#keys.record.former !== undefined) await this.#rekey(blocks, day)
  }

  async close(): Promise<void> {
    await this.#keys.close()
    await this.#file.close()
    this.#unlock()
  }

  /** A crash in the midst of it leaves both keys; the next time takes up where it was. */
  async #rekey(blocks: readonly Buffer[], day: number): Promise<void> {
    if (this.#keys.record.former === undefined) {
      const { key, epoch } = this.#keys.record
      await this.#keys.set({ key: newKey(), former: key, epoch: epoch + 1, day })
    }
    const { former } = this.#keys.record
    // All of them, also where one has got the new key already: what was destroyed in it then is in its other page.
    await this.#replace([...blocks.entries()])
    await this.#keys.set({ former: undefined })
    former!.fill(0)
    this.#dirty.clear()
    await this.#keys.wipe()
  }

  /** Writes the blocks to their other pages. They count when all are durable. */
  async #replace(blocks: readonly (readonly [index: number, block: Buffer])[]): Promise<void> {
    const { key, epoch } = this.#keys.record
    const places = new Map<number, Place>()
    await inStrides(blocks, async ([index, block]) => {
      const { page, version } = this.#places[index]!
      const place = { page: other(page), version: version + 1, epoch }
      places.set(index, place)
      await this.#file.write(pageAt(index, place.page), sealBlock(key, index, { epoch, version: place.version, block }))
    })
    await this.#file.sync()
    for (const [index, place] of places) this.#places[index] = place
  }

  /** Overwrites the pages that do not count. */
  async #overwrite(indices: readonly number[]): Promise<void> {
    await inStrides(indices, index => this.#file.write(pageAt(index, other(this.#places[index]!.page)), noise()))
    await this.#file.sync()
  }
}

async function readBlocks(file: DiskFile, { record }: KeyFile): Promise<{ blocks: Buffer[]; places: Place[] }> {
  const keys = new Map([
    [record.epoch, record.key],
    [record.epoch - 1, record.former],
  ])
  const found: Found[] = []
  const all = Array.from({ length: record.blocks }, (_, index) => index)
  await inStrides(all, async index => {
    const pages = await file.read(pageAt(index, 0), 2 * PAGE_SIZE)
    if (pages.length < 2 * PAGE_SIZE) throw new SealError('unreadable', 'the file of shred secrets is cut off')
    found[index] = findBlock(keys, index, pages)
  })
  return { blocks: found.map(({ block }) => block), places: found }
}

interface Found extends Place {
  readonly block: Buffer
}

/** Which of the two pages of a block counts, and what is in it. */
function findBlock(keys: ReadonlyMap<number, Buffer | undefined>, index: number, pages: Buffer): Found {
  const first = openBlock(keys, index, pages.subarray(0, PAGE_SIZE))
  const second = openBlock(keys, index, pages.subarray(PAGE_SIZE))
  const right = newest([first, second])
  if (right === undefined) throw new SealError('unreadable', 'the file of shred secrets is damaged')
  for (const version of [first, second]) if (version !== right) version?.block.fill(0)
  return { ...right, page: right === first ? 0 : 1 }
}

/** Writes free blocks to the end of the file. */
async function append(file: DiskFile, key: Buffer, epoch: number, there: number, blocks: readonly Buffer[]): Promise<Place[]> {
  await inStrides([...blocks.entries()], async ([i, block]) => {
    await file.write(pageAt(there + i, 0), Buffer.concat([sealBlock(key, there + i, { epoch, version: 1, block }), noise()]))
  })
  await file.sync()
  return blocks.map(() => ({ page: 0, version: 1, epoch }))
}

/** When it fails nothing is under way any more: what is written next to the same place comes last. */
async function inStrides<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let rest = items; rest.length > 0; rest = rest.slice(STRIDE)) {
    const results = await Promise.allSettled(rest.slice(0, STRIDE).map(work))
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}

const other = (page: 0 | 1): 0 | 1 => (page === 0 ? 1 : 0)
const pageAt = (index: number, page: 0 | 1): number => (2 * index + page) * PAGE_SIZE
const newKey = (): Buffer => randomFillSync(Buffer.alloc(KEY_SIZE))
const noise = (): Buffer => randomFillSync(Buffer.alloc(PAGE_SIZE))

import { join, u8, u64 } from '../encoding.ts'
import { SealError } from '../seal-error.ts'
import type { ShredMemory } from '../shred-store.ts'
import { BLOCK_SIZE, freeBlocks } from './image.ts'
import type { ShredLevel } from './level.ts'
import { LeveledShredStore } from './store.ts'

/** What is handed over: `u8 format ‖ u64 clock ‖ blocks`. */
const FORMAT = 1
const CLOCK_AT = 1
const BLOCKS_AT = 9

/** Nothing outlives the process but what is handed over. */
class MemoryLevel implements ShredLevel {
  readonly isNew: boolean
  clock: number

  constructor(isNew: boolean, clock: number) {
    this.isNew = isNew
    this.clock = clock
  }

  async write(): Promise<void> {}

  async wipe(): Promise<void> {}

  async grow(there: number, slots: number): Promise<Buffer[]> {
    return freeBlocks(there, slots)
  }

  async setClock(clock: number): Promise<void> {
    this.clock = clock
  }

  async rekey(): Promise<void> {}

  async close(): Promise<void> {}
}

export class MemoryShredStore extends LeveledShredStore implements ShredMemory {
  static empty(): MemoryShredStore {
    return new MemoryShredStore(new MemoryLevel(true, 0), freeBlocks(0, 0))
  }

  /** Wipes what it is given. */
  static inherit(bytes: Buffer): MemoryShredStore {
    const count = (bytes.length - BLOCKS_AT) / BLOCK_SIZE
    if (bytes[0] !== FORMAT || !Number.isInteger(count) || count < 1)
      throw new SealError('malformed', 'the secrets handed over are damaged')
    const clock = bytes.readUInt32BE(CLOCK_AT) * 2 ** 32 + bytes.readUInt32BE(CLOCK_AT + 4)
    const blocks = Array.from({ length: count }, (_, i) =>
      join(bytes.subarray(BLOCKS_AT + i * BLOCK_SIZE, BLOCKS_AT + (i + 1) * BLOCK_SIZE)),
    )
    bytes.fill(0)
    return new MemoryShredStore(new MemoryLevel(false, clock), blocks)
  }

  async handOver(): Promise<Buffer> {
    const { clock, blocks } = await this.release()
    const bytes = join(u8(FORMAT), u64(clock), ...blocks)
    for (const block of blocks) block.fill(0)
    return bytes
  }
}

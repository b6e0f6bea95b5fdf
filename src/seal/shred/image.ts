import { ACCOUNT, ID_AT, ID_SIZE, PERIOD, readPeriod, SLOT_SIZE } from './slot.ts'

/** Slots of a block, as many as fit into a page of a disk with what seals them. */
export const SLOTS = 45
export const BLOCK_SIZE = SLOTS * SLOT_SIZE
/** The first blocks are kept for periods, so that there is always room for one, on a full disk too. */
export const PERIOD_BLOCKS = 4

/** Names a period among the periods of all classes. */
export function periodKey(cls: number, period: number): string {
  return `${cls}.${period}`
}

/** Names an account. The id is the part of the bytes from `at` to `end`. */
export function accountKey(bytes: Buffer, at = 0, end = bytes.length): string {
  return bytes.toString('latin1', at, end)
}

/** All secrets of a store, in clear. It is changed by a draft only. */
export class ShredImage {
  readonly blocks: Buffer[] = []
  readonly periods = new Map<string, number>()
  readonly accounts = new Map<string, number>()
  /** Numbers of slots. */
  readonly freeForPeriods: number[] = []
  readonly freeForAll: number[] = []

  /** Takes the blocks over. */
  constructor(blocks: readonly Buffer[]) {
    this.add(blocks)
  }

  /** Takes further blocks over. */
  add(blocks: readonly Buffer[]): void {
    const from = this.blocks.length * SLOTS
    this.blocks.push(...blocks)
    for (let number = this.blocks.length * SLOTS - 1; number >= from; number--) this.#read(number)
  }

  slot(number: number): Buffer {
    return slotOf(this.blocks[Math.floor(number / SLOTS)]!, number)
  }

  /** Which free slots a slot belongs to when it is free. */
  freeLike(number: number): number[] {
    return number < PERIOD_BLOCKS * SLOTS ? this.freeForPeriods : this.freeForAll
  }

  wipe(): void {
    for (const block of this.blocks) block.fill(0)
    this.periods.clear()
    this.accounts.clear()
  }

  /** Of a free slot or one of an account no view is made: there are very many. */
  #read(number: number): void {
    const block = this.blocks[Math.floor(number / SLOTS)]!
    const at = (number % SLOTS) * SLOT_SIZE
    const kind = block[at]
    if (kind === ACCOUNT) this.accounts.set(accountKey(block, at + ID_AT, at + ID_AT + ID_SIZE), number)
    else if (kind === PERIOD) {
      const { class: cls, period } = readPeriod(slotOf(block, number))
      this.periods.set(periodKey(cls, period), number)
    } else this.freeLike(number).push(number)
  }
}

/** The bytes of a slot in its block. */
export function slotOf(block: Buffer, number: number): Buffer {
  const at = (number % SLOTS) * SLOT_SIZE
  return block.subarray(at, at + SLOT_SIZE)
}

/** So many blocks that there is room for so many slots, and for an eighth more than there was. */
export function freeBlocks(there: number, slots: number): Buffer[] {
  const count = Math.max(Math.ceil(slots / SLOTS), Math.ceil(there / 8), PERIOD_BLOCKS * 2)
  return Array.from({ length: count }, () => Buffer.alloc(BLOCK_SIZE))
}

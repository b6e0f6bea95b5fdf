import { BLOCK_SIZE, type ShredImage, SLOTS, slotOf } from './image.ts'
import { Overlay } from './overlay.ts'
import { FREE } from './slot.ts'

/** Changes to an image that are not yet durable: nobody sees them until they are adopted. */
export class ShredDraft {
  /** Changed blocks, by number. */
  readonly blocks = new Map<number, Buffer>()
  readonly periods: Overlay
  readonly accounts: Overlay
  /** Whether something that was there is there no more. */
  isDestroying = false
  readonly #image: ShredImage
  readonly #taken: number[] = []
  readonly #freed: number[] = []

  readonly #full: unknown

  /** `full`: why there is no more room, if none could be made. */
  constructor(image: ShredImage, full?: unknown) {
    this.#image = image
    this.#full = full
    this.periods = new Overlay(image.periods)
    this.accounts = new Overlay(image.accounts)
  }

  /** A slot that may be changed. */
  slot(number: number): Buffer {
    const index = Math.floor(number / SLOTS)
    let block = this.blocks.get(index)
    if (block === undefined) {
      block = Buffer.alloc(BLOCK_SIZE)
      this.#image.blocks[index]!.copy(block)
      this.blocks.set(index, block)
    }
    return slotOf(block, number)
  }

  /** The number of a free slot. Throws if there is none. */
  take(isForPeriod: boolean): number {
    const number = (isForPeriod ? this.#image.freeForPeriods.pop() : undefined) ?? this.#image.freeForAll.pop()
    if (number === undefined) throw new Error('the store of secrets is full and cannot grow', { cause: this.#full })
    this.#taken.push(number)
    return number
  }

  free(number: number): void {
    this.slot(number).fill(FREE)
    this.#freed.push(number)
    this.isDestroying = true
  }

  /** Makes the changes those of the image. What is called afterwards does nothing. */
  adopt(): void {
    for (const [index, block] of this.blocks) block.copy(this.#image.blocks[index]!)
    this.periods.apply()
    this.accounts.apply()
    for (const number of this.#freed) this.#image.freeLike(number).push(number)
    this.#taken.length = 0
    this.#wipe()
  }

  /** Forgets the changes. */
  discard(): void {
    for (const number of this.#taken.toReversed()) this.#image.freeLike(number).push(number)
    this.#wipe()
  }

  #wipe(): void {
    for (const block of this.blocks.values()) block.fill(0)
  }
}

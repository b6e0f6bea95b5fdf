const ROWS = 4
const COLUMNS = 16_384
const MOST = 0xffff
// Odd constants, one per row, that spread a 32-bit hash over the columns (multiplicative hashing).
const SPREAD = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const
const SHIFT = 32 - Math.log2(COLUMNS)

/** Counts by 32-bit hash in fixed memory (count-min sketch, 128 KiB). An estimate is never too low but for `decay`. */
export class Sketch {
  readonly #cells = new Uint16Array(ROWS * COLUMNS)

  /** Adds `by`, which may be negative when as much was added before. A full cell stays full. */
  add(hash: number, by: number): void {
    for (let row = 0; row < ROWS; row++) {
      const cell = cellOf(row, hash)
      const count = this.#cells[cell]!
      if (count < MOST) this.#cells[cell] = Math.max(0, Math.min(MOST, count + by))
    }
  }

  estimate(hash: number): number {
    let least = MOST
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.#cells[cellOf(row, hash)]!)
    return least
  }

  /** Halves every count. */
  decay(): void {
    for (let i = 0; i < this.#cells.length; i++) this.#cells[i] = this.#cells[i]! >>> 1
  }
}

function cellOf(row: number, hash: number): number {
  return row * COLUMNS + (Math.imul(hash ^ (hash >>> 15), SPREAD[row]!) >>> SHIFT)
}

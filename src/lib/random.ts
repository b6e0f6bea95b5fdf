import { randomFillSync } from 'node:crypto'

const POOL = 4096

/** Asking the system costs microseconds each time, so it is asked for many bytes at once. Each is used once, then wiped. */
const pool = Buffer.alloc(POOL)
let used = POOL

/** Takes so many bytes out of the pool: where they begin. */
function take(size: number): number {
  if (used + size > POOL) {
    randomFillSync(pool)
    used = 0
  }
  used += size
  return used - size
}

/** Unguessable bytes, at most 4096. */
export function randomBytes(size: number): Buffer {
  const from = take(size)
  const bytes = Buffer.from(pool.subarray(from, from + size))
  pool.fill(0, from, from + size)
  return bytes
}

/** A number of 48 unguessable bits: nobody can tell from it when it was drawn. */
export function randomNumber(): number {
  const from = take(6)
  const number = pool.readUIntBE(from, 6)
  pool.fill(0, from, from + 6)
  return number
}

/** An identifier of so many unguessable bytes, in base64url. */
export function randomId(size: number): string {
  const from = take(size)
  const id = pool.toString('base64url', from, from + size)
  pool.fill(0, from, from + size)
  return id
}

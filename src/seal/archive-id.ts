import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'
import { join, u64 } from './encoding.ts'

const HIGH = 2 ** 32

/**
 * The ids that clients see of archived messages: number of account and message under a keyed permutation (AES-256 on one block).
 * Unique, unguessable and reversible; they show neither time nor rate.
 */
export class ArchiveIds {
  readonly #cipher: Cipheriv
  readonly #decipher: Decipheriv

  /** Takes a copy of the 32 bytes. */
  constructor(key: Buffer) {
    this.#cipher = createCipheriv('aes-256-ecb', key, null)
    this.#decipher = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  }

  encode(account: number, ord: number): string {
    return this.#cipher.update(join(u64(account), u64(ord))).toString('base64url')
  }

  /** The `ord` in an id of this account; undefined if it is none. */
  decode(account: number, id: string): number | undefined {
    const block = Buffer.from(id, 'base64url')
    // The decoder of Node forgives much; only what `encode` gives is an id.
    if (block.length !== 16 || block.toString('base64url') !== id) return undefined
    const plain = this.#decipher.update(block)
    const ord = readU64(plain, 8)
    return readU64(plain, 0) === account && Number.isSafeInteger(ord) ? ord : undefined
  }
}

function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * HIGH + bytes.readUInt32BE(at + 4)
}

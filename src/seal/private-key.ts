import { randomFillSync } from 'node:crypto'
import { KEY_SIZE, publicKeyOf } from './kem.ts'

/** The private half of an X25519 key pair. Whoever holds it last calls `wipe`. */
export class PrivateKey {
  readonly #bytes: Buffer
  #publicKey: Buffer | undefined
  #isWiped = false

  private constructor(bytes: Buffer, publicKey?: Buffer) {
    if (bytes.length !== KEY_SIZE) throw new RangeError('not the bytes of a private key')
    this.#bytes = bytes
    this.#publicKey = publicKey
  }

  static generate(): PrivateKey {
    return new PrivateKey(randomFillSync(Buffer.alloc(KEY_SIZE)))
  }

  /** Takes the 32 bytes over. `publicKey` spares its computation; it must be known to be the right one. */
  static of(bytes: Buffer, publicKey?: Buffer): PrivateKey {
    return new PrivateKey(bytes, publicKey)
  }

  /** Not a copy. Throws when they were wiped: zeros are a key that everybody knows. */
  get bytes(): Buffer {
    if (this.#isWiped) throw new Error('this key was wiped')
    return this.#bytes
  }

  /** Computed when it is first asked for. */
  get publicKey(): Buffer {
    return (this.#publicKey ??= publicKeyOf(this.bytes))
  }

  /** Overwrites the bytes with zeros. */
  wipe(): void {
    this.#isWiped = true
    this.#bytes.fill(0)
  }
}

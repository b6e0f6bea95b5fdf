import { randomFillSync } from 'node:crypto'
import { openAead, sealAead } from './aead.ts'
import { hkdf } from './hkdf.ts'
import { requireSecret } from './require-secret.ts'
import { splitBlob, withSuite } from './suite.ts'

const SALT_SIZE = 32

/** Every box has a salt and thereby a key of its own, which seals once: so the nonce need not be random. */
const NONCE = Buffer.alloc(12)

/** What opens with the same secret and `info` alone: `u8 suite ‖ salt ‖ ciphertext`. The salt is given only to repeat a test vector. */
export function sealBox(secret: Buffer, info: Buffer, plain: Buffer, salt: Buffer = randomFillSync(Buffer.alloc(SALT_SIZE))): Buffer {
  requireSecret(secret)
  const key = boxKey(secret, salt, info)
  const box = sealAead('aes-256-gcm', key, NONCE, info, plain)
  key.fill(0)
  return withSuite(1, salt, box)
}

/** Throws a SealError. */
export function openBox(secret: Buffer, info: Buffer, blob: Buffer): Buffer {
  const [salt, box] = splitBlob(blob, SALT_SIZE, 1)
  const key = boxKey(secret, salt, info)
  try {
    return openAead('aes-256-gcm', key, NONCE, info, box)
  } finally {
    key.fill(0)
  }
}

function boxKey(secret: Buffer, salt: Buffer, info: Buffer): Buffer {
  return hkdf('sha512', secret, salt, info, 32)
}

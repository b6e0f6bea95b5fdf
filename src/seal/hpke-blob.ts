import { type HpkeVector, setupRecipient, setupSender } from './hpke.ts'
import { KEY_SIZE } from './kem.ts'
import type { PrivateKey } from './private-key.ts'
import { splitBlob, withSuite } from './suite.ts'

/** HPKE, mode Base, single shot (RFC 9180 §6.1): `u8 suite ‖ enc ‖ ciphertext`. */
export function sealTo(publicKey: Buffer, info: Buffer, aad: Buffer, plain: Buffer, vector?: HpkeVector): Buffer {
  const { enc, context } = setupSender(publicKey, info, undefined, vector)
  const box = context.seal(0, aad, plain)
  context.wipe()
  return withSuite(1, enc, box)
}

/** Throws a SealError. */
export function openTo(key: PrivateKey, info: Buffer, aad: Buffer, blob: Buffer): Buffer {
  const [enc, box] = splitBlob(blob, KEY_SIZE, 1)
  const context = setupRecipient(enc, key, info)
  try {
    return context.open(0, aad, box)
  } finally {
    context.wipe()
  }
}

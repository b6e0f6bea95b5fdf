import { createCipheriv, createDecipheriv } from 'node:crypto'
import { SealError } from './seal-error.ts'

/** By the names that OpenSSL uses. */
export type AeadName = 'chacha20-poly1305' | 'aes-128-gcm' | 'aes-256-gcm'

/** Bytes that a box has more than what is in it. */
export const TAG_SIZE = 16

/** The ciphertext and its tag. */
export function sealAead(name: AeadName, key: Buffer, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const cipher = createCipheriv(name as 'aes-256-gcm', key, nonce)
  cipher.setAAD(aad)
  const text = cipher.update(plain)
  cipher.final()
  return Buffer.concat([text, cipher.getAuthTag()], text.length + TAG_SIZE)
}

/** Throws a SealError if one bit of anything is different from what was given to `sealAead`. */
export function openAead(name: AeadName, key: Buffer, nonce: Buffer, aad: Buffer, box: Buffer): Buffer {
  if (box.length < TAG_SIZE) throw new SealError('malformed', 'what was sealed is cut off')
  const decipher = createDecipheriv(name as 'aes-256-gcm', key, nonce)
  decipher.setAAD(aad)
  decipher.setAuthTag(box.subarray(box.length - TAG_SIZE))
  const plain = decipher.update(box.subarray(0, box.length - TAG_SIZE))
  try {
    decipher.final()
  } catch {
    plain.fill(0)
    throw new SealError('unreadable', 'what was sealed does not open with this key')
  }
  return plain
}

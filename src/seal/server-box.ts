// CXZ-SEAL-1: what the running server must know while the owner is away (class B)

import { openBox, sealBox } from './box.ts'
import { join } from './encoding.ts'
import { hkdf, hmac } from './hkdf.ts'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'
import { requireSecret } from './require-secret.ts'

const TAG_SIZE = 16
const NO_SALT = Buffer.alloc(0)
const BOX: PaddingUnit = 128

/**
 * 16 bytes by which the server knows an address again without having kept it: `context` says in which list. `secret` is B_acct.
 * The address must be normalised, and `context` without NUL.
 */
export function blindTag(secret: Buffer, context: string, jid: string): Buffer {
  requireSecret(secret)
  if (context.includes('\0')) throw new Error('a context is a word of the program')
  const key = hkdf('sha256', secret, NO_SALT, 'CXZ-SEAL-1 blind', 32)
  const tag = hmac('sha256', key, context, '\0', jid)
  key.fill(0)
  return tag.subarray(0, TAG_SIZE)
}

/** Seals with B_acct. What was sealed in one `context` does not open in another. */
export function sealForServer(secret: Buffer, context: string, plain: Buffer): Buffer {
  return withPadded(plain, BOX, padded => sealBox(secret, info(context), padded))
}

/** Throws a SealError. */
export function openForServer(secret: Buffer, context: string, box: Buffer): Buffer {
  return unpad(openBox(secret, info(context), box), BOX)
}

function info(context: string): Buffer {
  return join('CXZ-SEAL-1 server', Buffer.from(context))
}

// XEP-0484 with the mechanisms of draft-ietf-kitten-sasl-ht whose proof is always the same

import { timingSafeEqual } from 'node:crypto'
import { Secret } from '../lib/secret.ts'
import { accountBinding, type SealedAccount } from './account.ts'
import { openBox, sealBox } from './box.ts'
import { join } from './encoding.ts'
import { hmac } from './hkdf.ts'
import type { PrivateKey } from './private-key.ts'
import { SealError } from './seal-error.ts'
import { sha256 } from './sha256.ts'
import { type UnwrapOptions, unwrapKey, wrapKey } from './wrap.ts'

export type FastKind = 'HT-SHA-256-ENDP' | 'HT-SHA-256-NONE'

/** All that is stored of a token. Only the proof, which the client sends at its next login, opens it. */
export interface FastRecord {
  /** SHA-256 of the proof. */
  readonly verifier: Buffer
  readonly wrap: Buffer
  readonly tokenBox: Buffer
}

/** What one side sends, given the data of the channel binding, which are empty for HT-*-NONE. The initiator's is the proof. */
export function hashedToken(token: Buffer, side: 'Initiator' | 'Responder', binding: Buffer): Buffer {
  return hmac('sha256', token, side, binding)
}

/** Locks a new token, and the key of its owner, with the proof that the token will give. */
export function sealFast(kind: FastKind, token: Buffer, proof: Buffer, key: PrivateKey, account: SealedAccount): FastRecord {
  const wrap = wrapKey(kind, proof, key, account)
  return { verifier: sha256(proof), wrap, tokenBox: sealBox(proof, tokenInfo(account), token) }
}

/** Throws a SealError if this is not the proof, or the record is not of this account. The caller wipes both that it gets. */
export function openFast(
  kind: FastKind,
  proof: Buffer,
  record: FastRecord,
  account: SealedAccount,
  options?: UnwrapOptions,
): { token: Secret; key: PrivateKey } {
  const { verifier } = record
  if (verifier.length !== 32 || !timingSafeEqual(sha256(proof), verifier)) throw new SealError('unreadable', 'this is not the proof')
  const key = unwrapKey(kind, proof, record.wrap, account, options)
  try {
    return { token: new Secret(openBox(proof, tokenInfo(account), record.tokenBox)), key }
  } catch (error) {
    key.wipe()
    throw error
  }
}

function tokenInfo(account: SealedAccount): Buffer {
  return join('CXZ-SEAL-1 fast token', accountBinding(account))
}

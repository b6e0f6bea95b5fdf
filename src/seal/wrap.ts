// CXZ-SEAL-1: the private key of an account, once for each credential that opens it

import { accountBinding, type SealedAccount } from './account.ts'
import { openBox, sealBox } from './box.ts'
import { join, u8, u16 } from './encoding.ts'
import { KEY_SIZE } from './kem.ts'
import { PrivateKey } from './private-key.ts'
import { requireSecret } from './require-secret.ts'
import { SealError } from './seal-error.ts'

/** SCRAM and FAST by the names of their hash and mechanism, a recovery code, the key of a former generation, an app password. */
export type CredentialKind = keyof typeof CREDENTIALS

const CREDENTIALS = {
  'SHA-1': 1,
  'SHA-256': 2,
  'SHA-512': 3,
  'HT-SHA-256-ENDP': 4,
  'HT-SHA-256-NONE': 5,
  recovery: 6,
  former: 7,
  app: 8,
} as const

export interface UnwrapOptions {
  readonly pepper?: Buffer
  /** The caller compares the public half of the key with the one beside the account itself, when it needs the key. */
  readonly isUnchecked?: boolean
}

const NO_PEPPER: Buffer = Buffer.alloc(0)

/** `u8 suite ‖ salt ‖ box`. The secret: a ClientKey, the hashed token of FAST's initiator, a recovery code. The salt is for test vectors. */
export function wrapKey(
  kind: CredentialKind,
  secret: Buffer,
  key: PrivateKey,
  account: SealedAccount,
  pepper = NO_PEPPER,
  salt?: Buffer,
): Buffer {
  requireSecret(secret)
  const ikm = input(secret, pepper)
  const wrap = sealBox(ikm, credentialInfo(kind, account), key.bytes, salt)
  ikm.fill(0)
  return wrap
}

/** Throws a SealError; `substituted` if the key is not the one whose public key stands beside the account. */
export function unwrapKey(
  kind: CredentialKind,
  secret: Buffer,
  wrap: Buffer,
  account: SealedAccount,
  { pepper = NO_PEPPER, isUnchecked = false }: UnwrapOptions = {},
): PrivateKey {
  const ikm = input(secret, pepper)
  try {
    const key = readKey(openBox(ikm, credentialInfo(kind, account), wrap))
    if (isUnchecked || key.publicKey.equals(account.publicKey)) return key
    key.wipe()
    throw new SealError('substituted', 'the public key of an account is not that of its private key')
  } finally {
    ikm.fill(0)
  }
}

/** The `info` of CXZ-SEAL-1 for whatever holds a private key. */
export function credentialInfo(kind: CredentialKind, account: SealedAccount): Buffer {
  return join('CXZ-SEAL-1 kek', u8(CREDENTIALS[kind]), accountBinding(account))
}

/** Takes over bytes that were opened. */
export function readKey(bytes: Buffer): PrivateKey {
  if (bytes.length !== KEY_SIZE) throw new SealError('malformed', 'what was sealed as a key is none')
  return PrivateKey.of(bytes)
}

function input(secret: Buffer, pepper: Buffer): Buffer {
  return join(u16(secret.length), secret, u16(pepper.length), pepper)
}

// CXZ-SEAL-1: what the running server must read, for a limited time (class B)

import { openBox, sealBox } from './box.ts'
import { join, u8, u32, u64 } from './encoding.ts'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'
import { requireSecret } from './require-secret.ts'
import { SealError } from './seal-error.ts'
import { SECRET_SIZE } from './segment.ts'

/** Which message: of whom, in which store, under which retention class and period, and which part of it. */
export interface LimitedAddress {
  /** 16 random bytes that are never used again. */
  readonly owner: Buffer
  readonly store: number
  readonly class: number
  /** A day in UTC since 1970, or an hour where the class counts hours. */
  readonly period: number
  readonly ord: number
  readonly part: 'header' | 'body'
}

/** Without both of them nothing opens. */
export interface LimitedSecrets {
  readonly period: Buffer
  readonly owner: Buffer
}

const ID_SIZE = 16
const PARTS: Readonly<Record<LimitedAddress['part'], { readonly number: number; readonly unit: PaddingUnit }>> = {
  header: { number: 0, unit: 128 },
  body: { number: 1, unit: 256 },
}

export function sealLimited(address: LimitedAddress, secrets: LimitedSecrets, plain: Buffer): Buffer {
  const { unit } = PARTS[address.part]
  return withSecret(secrets, secret => withPadded(plain, unit, padded => sealBox(secret, info(address), padded)))
}

/** Throws a SealError. */
export function openLimited(address: LimitedAddress, secrets: LimitedSecrets, box: Buffer): Buffer {
  return unpad(
    withSecret(secrets, secret => openBox(secret, info(address), box)),
    PARTS[address.part].unit,
  )
}

function withSecret<T>({ period, owner }: LimitedSecrets, work: (secret: Buffer) => T): T {
  requireSecret(period, SECRET_SIZE)
  requireSecret(owner, SECRET_SIZE)
  const secret = join(period, owner)
  try {
    return work(secret)
  } finally {
    secret.fill(0)
  }
}

function info({ owner, store, class: cls, period, ord, part }: LimitedAddress): Buffer {
  if (owner.length !== ID_SIZE) throw new SealError('malformed', 'the id of an owner has 16 bytes')
  return join('CXZ-SEAL-1 limited', owner, u8(store), u8(cls), u32(period), u64(ord), u8(PARTS[part].number))
}

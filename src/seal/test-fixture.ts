/** For tests: the inputs of the vectors of CXZ-SEAL-1. */
import type { SealedAccount } from './account.ts'
import { hkdf } from './hkdf.ts'
import { decapsulateWith, type Encapsulation } from './kem.ts'
import { PrivateKey } from './private-key.ts'
import type { SegmentAddress } from './segment.ts'

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** All inputs of the vectors are made from a label. */
export function input(label: string, size = 32): Buffer {
  return hkdf('sha256', Buffer.from('CXZ test vector'), Buffer.alloc(0), label, size)
}

export const clientKey = hex('a60fc923d67e8644a92d16b96eda5ef4656b0c725c484374be25535576996e8b')
export const account: SealedAccount = {
  id: input('acct', 16),
  generation: 1,
  publicKey: hex('e4730ecd9d974acde3e4289e295c050040aaa6c08f0440952adc51a26cf90325'),
}
export const address: SegmentAddress = { account, store: 1, segment: 42, class: 3, period: 20_700 }

export const accountKey = (): PrivateKey => PrivateKey.of(input('skA'))

/** What a sender with this ephemeral key would have got for the account above. */
export function encapsulation(ephemeral: string): Encapsulation {
  const enc = PrivateKey.of(input(ephemeral)).publicKey
  return { enc, secret: decapsulateWith(input('skA'), enc) }
}

/** The same bytes with one bit of one byte turned, for every byte: always another bit. */
export function* flips(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 1 << (at % 8)
    yield flipped
  }
}

/** The same bytes cut off everywhere, and with one more. */
export function* otherLengths(bytes: Buffer): Generator<Buffer> {
  for (let size = 0; size < bytes.length; size++) yield bytes.subarray(0, size)
  yield Buffer.concat([bytes, Buffer.of(0)])
}

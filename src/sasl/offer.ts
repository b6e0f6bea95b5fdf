import { digest, type ScramHash } from './scram-hash.ts'

/** What this stream announced, for the one SASL profile the client uses: SASL1 and SASL2 each have their own list. */
export interface Offer {
  readonly mechanisms: readonly string[]
  /** The types of XEP-0440; empty when they were not announced. */
  readonly channelBindings: readonly string[]
}

/** What was hashed, by offer: one is made for all streams that came the same way. */
const known = new WeakMap<Offer, Map<ScramHash, string>>()

/** The value of the `h` attribute (XEP-0474 §5.1): who shortened the lists on the way cannot hide it. */
export function offerHash(offer: Offer, hash: ScramHash): string {
  let hashes = known.get(offer)
  if (hashes === undefined) known.set(offer, (hashes = new Map()))
  let made = hashes.get(hash)
  if (made === undefined) hashes.set(hash, (made = hashOf(offer, hash)))
  return made
}

function hashOf({ mechanisms, channelBindings }: Offer, hash: ScramHash): string {
  const types = channelBindings.length === 0 ? '' : `\x1f${sorted(channelBindings)}`
  return digest(hash, sorted(mechanisms) + types).toString('base64')
}

/** Mechanism names and binding types are ASCII, so the order of strings is `i;octet`. */
function sorted(names: readonly string[]): string {
  return names.toSorted().join('\x1e')
}

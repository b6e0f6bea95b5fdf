import { type ChannelBinding, channelBindingTypes } from './channel-binding.ts'
import type { CredentialSource } from './credential-source.ts'
import { ConversationExchange, type Exchange } from './exchange.ts'
import type { Offer } from './offer.ts'
import { plain } from './plain.ts'
import type { Profile } from './profile.ts'
import { SaslError } from './sasl-error.ts'
import { scram } from './scram.ts'
import { SCRAM_HASHES, type ScramHash } from './scram-hash.ts'

/** Mechanisms that a host offers only if it is told to. */
export interface MechanismSwitches {
  readonly sha1: boolean
  readonly plain: boolean
}

/** What to announce on a connection, strongest first; PLAIN never without TLS. It does not depend on who connects. */
export function mechanismsFor(binding: ChannelBinding, switches: MechanismSwitches): string[] {
  const scrams = SCRAM_HASHES.filter(hash => switches.sha1 || hash !== 'SHA-1').map(hash => `SCRAM-${hash}`)
  const bound = channelBindingTypes(binding).length === 0 ? [] : scrams.map(name => `${name}-PLUS`)
  const plain = switches.plain && binding.tlsVersion !== undefined ? ['PLAIN'] : []
  return [...bound, ...scrams, ...plain]
}

/** Begins a run of a mechanism that was offered; throws `invalid-mechanism` for any other. */
export function startExchange(
  mechanism: string,
  source: CredentialSource,
  binding: ChannelBinding,
  offer: Offer,
  profile: Profile,
): Exchange {
  if (!offer.mechanisms.includes(mechanism)) throw new SaslError('invalid-mechanism')
  if (mechanism === 'PLAIN') return new ConversationExchange(first => plain(source, profile, first))
  const [, hash, plus] = /^SCRAM-(SHA-1|SHA-256|SHA-512)(-PLUS)?$/.exec(mechanism) ?? []
  if (hash === undefined) throw new SaslError('invalid-mechanism')
  const context = { hash: hash as ScramHash, isPlus: plus !== undefined, source, binding, offer, profile }
  return new ConversationExchange(first => scram(context, first))
}

import { timingSafeEqual } from 'node:crypto'
import { randomId } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import { type ChannelBinding, channelBindingData } from './channel-binding.ts'
import type { ScramCredential } from './credential.ts'
import { type CredentialSource, findCredential } from './credential-source.ts'
import type { Conversation } from './exchange.ts'
import { type Offer, offerHash } from './offer.ts'
import { identify, type Profile } from './profile.ts'
import { SaslError } from './sasl-error.ts'
import { digest, hmac, type ScramHash } from './scram-hash.ts'
import { type ClientFirst, readClientFinal, readClientFirst } from './scram-message.ts'

/** Everything a run of SCRAM needs to know of its surroundings. */
export interface ScramContext {
  readonly hash: ScramHash
  /** Whether a `-PLUS` mechanism was chosen. */
  readonly isPlus: boolean
  readonly source: CredentialSource
  readonly binding: ChannelBinding
  readonly offer: Offer
  readonly profile: Profile
}

/** A multiple of 3, for base64 without padding. */
const NONCE_SIZE = 24

/** The server side of SCRAM (RFC 5802, RFC 7677) with downgrade protection (XEP-0474, XEP-0515). */
export async function* scram(context: ScramContext, input: Buffer): Conversation {
  const { hash, source, profile } = context
  const first = readClientFirst(input)
  const expectedBinding = bindingInput(context, first)
  const username = identify(profile, first.username, first.authzid)
  const { credential, isGenuine } = await findCredential(source, username, hash)

  const nonce = first.nonce + randomId(NONCE_SIZE)
  const serverFirst = serverFirstMessage(context, credential, nonce)
  const final = readClientFinal(yield { kind: 'challenge', data: Buffer.from(serverFirst) })
  try {
    if (!isSame(final.binding, expectedBinding) || final.nonce !== nonce) throw new SaslError('not-authorized')
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
    const clientKey = openProof(credential, authMessage, final.proof)
    if (clientKey === undefined || !isGenuine) throw new SaslError('not-authorized')
    const signature = hmac(hash, credential.serverKey, authMessage).toString('base64')
    return { kind: 'success', username, data: Buffer.from(`v=${signature}`), clientKey, credential }
  } finally {
    final.proof.fill(0)
  }
}

/** The ClientKey inside a proof (RFC 5802 §3), provided that it is the one whose hash is stored. */
export function openProof({ hash, storedKey }: ScramCredential, authMessage: string, proof: Buffer): Secret | undefined {
  const clientKey = new Secret(hmac(hash, storedKey, authMessage))
  for (let i = 0; i < clientKey.bytes.length; i++) clientKey.bytes[i]! ^= proof[i] ?? 0
  const isRight = isSame(digest(hash, clientKey.bytes), storedKey) && proof.length === clientKey.bytes.length
  if (isRight) return clientKey
  clientKey.wipe()
  return undefined
}

function serverFirstMessage({ hash, offer, binding }: ScramContext, { salt, iterations }: ScramCredential, nonce: string): string {
  const message = `r=${nonce},s=${salt.toString('base64')},i=${iterations},h=${offerHash(offer, hash)}`
  if (binding.tlsVersion === undefined) return message
  return `${message},t=${binding.tlsVersion === '1.3' ? '0304' : '0303'}`
}

/** What `c=` must contain, or an error if the client's flag does not fit what was offered (RFC 5802 §6). */
function bindingInput({ isPlus, binding, offer }: ScramContext, { gs2Header, flag, bindingType }: ClientFirst): Buffer {
  // `y`: the client could bind and saw no -PLUS. If there was one, somebody took it out of the list.
  const isDowngraded = flag === 'y' && offer.mechanisms.some(mechanism => mechanism.endsWith('-PLUS'))
  if (isDowngraded || isPlus !== (flag === 'p')) throw new SaslError('not-authorized')
  if (bindingType === undefined) return Buffer.from(gs2Header)
  const data = offer.channelBindings.includes(bindingType) ? channelBindingData(binding, bindingType) : undefined
  if (data === undefined) throw new SaslError('not-authorized')
  return Buffer.concat([Buffer.from(gs2Header), data])
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

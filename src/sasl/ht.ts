import { isUtf8 } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { type ChannelBinding, channelBindingData } from './channel-binding.ts'
import { type Conversation, ConversationExchange, type Exchange } from './exchange.ts'
import { identify, type Profile } from './profile.ts'
import { SaslError } from './sasl-error.ts'
import { digest } from './scram-hash.ts'

/**
 * The mechanisms of the HT family (draft-schmaus-kitten-sasl-ht-09) by which a token logs in. With these two a token's proof is
 * the same at every login, so its hash is enough to know it by. With EXPR and UNIQ it differs with each connection: the server
 * would have to keep the token itself (decision 0011).
 */
export type TokenMechanism = 'HT-SHA-256-ENDP' | 'HT-SHA-256-NONE'

/** What is kept of one token. */
export interface KeptToken {
  readonly mechanism: TokenMechanism | undefined
  /** SHA-256 of its proof; 32 bytes that no proof hashes to where there is no token. */
  readonly verifier: Buffer
  /**
   * The responder's hashed token, from what only the proof opens. Undefined if the token is over, or if with this binding its
   * proof would be another: the verifier alone only says that it was the right one when the token was made.
   */
  open(proof: Buffer, binding: Buffer): Promise<Buffer | undefined>
}

/** Where the tokens come from of the client that logs in. */
export interface TokenSource {
  /** As many for a stranger, and with as much work, as for those who have some. */
  find(username: string): Promise<readonly KeptToken[]>
}

/** What a token may be for on this connection (XEP-0484 §3.1), strongest first. It does not depend on who connects. */
export function tokenMechanismsFor(binding: ChannelBinding): TokenMechanism[] {
  return binding.endPoint === undefined ? ['HT-SHA-256-NONE'] : ['HT-SHA-256-ENDP', 'HT-SHA-256-NONE']
}

/** The channel binding data of a mechanism; undefined where the connection does not have it. */
export function tokenBinding(mechanism: TokenMechanism, binding: ChannelBinding): Buffer | undefined {
  return mechanism === 'HT-SHA-256-NONE' ? Buffer.alloc(0) : channelBindingData(binding, 'tls-server-end-point')
}

/** Begins a run of one of `tokenMechanismsFor`; throws `invalid-mechanism` for any other. */
export function startTokenExchange(mechanism: string, source: TokenSource, binding: ChannelBinding, profile: Profile): Exchange {
  const known = tokenMechanismsFor(binding).find(name => name === mechanism)
  const data = known && tokenBinding(known, binding)
  if (known === undefined || data === undefined) throw new SaslError('invalid-mechanism')
  return new ConversationExchange(first => hashedToken(known, source, data, profile, first))
}

/** One message and its answer (§3). */
async function* hashedToken(
  mechanism: TokenMechanism,
  source: TokenSource,
  binding: Buffer,
  profile: Profile,
  input: Buffer,
): Conversation {
  const { authcid, proof } = readMessage(input)
  const username = identify(profile, authcid, undefined)
  const verifier = digest('SHA-256', proof)
  const tokens = await source.find(username)
  // Each is compared: how long it takes says nothing of which one it is.
  const [shown] = tokens.filter(token => timingSafeEqual(token.verifier, verifier)).filter(token => token.mechanism === mechanism)
  if (shown === undefined) throw new SaslError('not-authorized')
  const data = await shown.open(proof, binding)
  // XEP-0484 §4.2: the client then logs in by other means.
  if (data === undefined) throw new SaslError('credentials-expired')
  return { kind: 'success', username, data }
}

/** `authcid NUL initiator-hashed-token`. The proof stays in the bytes that came. */
function readMessage(input: Buffer): { authcid: string; proof: Buffer } {
  const end = input.indexOf(0)
  const proof = input.subarray(end + 1)
  if (end < 1 || proof.length === 0 || !isUtf8(input.subarray(0, end))) throw new SaslError('malformed-request')
  return { authcid: input.toString('utf8', 0, end), proof }
}

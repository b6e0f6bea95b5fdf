// XEP-0484: Fast Authentication Streamlining Tokens

import type { Proof } from '../../core/keys.ts'
import type { TokenLogin } from '../../core/token-login.ts'
import type { Exchange } from '../../sasl/exchange.ts'
import { startTokenExchange, tokenBinding, tokenMechanismsFor } from '../../sasl/ht.ts'
import type { Profile } from '../../sasl/profile.ts'
import { SaslError } from '../../sasl/sasl-error.ts'
import type { Element } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { Fast } from '../namespaces.ts'
import type { Connection } from './connection.ts'
import type { Negotiation } from './negotiation.ts'
import type { UserAgent } from './user-agent.ts'

/** What an `<authenticate/>` (XEP-0388) has to do with tokens: a client logs in with one, asks for one, or gives one up. */
export class TokenRequest {
  readonly #connection: Connection
  readonly #negotiation: Negotiation
  readonly #request: Element
  readonly #agent: UserAgent | undefined
  #login: TokenLogin | undefined
  /** The mechanism of a token that is due for rotation. */
  #due: string | undefined
  #count: number | undefined

  constructor(negotiation: Negotiation, request: Element, agent: UserAgent | undefined) {
    this.#negotiation = negotiation
    this.#connection = negotiation.connection
    this.#request = request
    this.#agent = agent
  }

  /** A run of a mechanism for tokens; undefined if the client has not said that it shows one (§3.4). */
  start(mechanism: string, profile: Profile): Exchange | undefined {
    const fast = this.#request.child(Fast, 'fast')
    const { tokens } = this.#connection.served!.host
    if (fast === undefined || !mechanism.startsWith('HT-') || !tokens.areGiven) return undefined
    // §4.1: a client that is to have a token says who it is.
    if (this.#agent === undefined) throw new SaslError('malformed-request')
    this.#count = readCount(fast.attrs['count'])
    this.#login = tokens.login(this.#agent.id)
    return startTokenExchange(mechanism, this.#login, this.#negotiation.binding, profile)
  }

  /** The client tries to log in with a token. */
  get isLogin(): boolean {
    return this.#login !== undefined
  }

  /** What the token has opened; it is the caller's now. Throws a SaslError if the token cannot be used, or not any more. */
  async use(): Promise<Proof> {
    const shown = this.#login!.shown!
    const { tokens } = this.#connection.served!.host
    const isLast = isTrue(this.#request.child(Fast, 'fast')!.attrs['invalidate'])
    const use = await tokens.use(shown, this.#count, isLast).catch(cause => {
      throw new SaslError('temporary-auth-failure', { cause })
    })
    if (use === 'gone') throw new SaslError('not-authorized')
    if (use === 'replayed') throw new SaslError('credentials-expired')
    this.#login!.shown = undefined
    this.#due = !isLast && tokens.isDue(shown.issuedOn) ? shown.row.mechanism : undefined
    return { kind: 'key', key: shown.key, generation: shown.generation }
  }

  /** The `<token/>` for a client that has asked for one, or whose own is due for rotation (§3.3, §3.5). Its owner has logged in. */
  async grant(username: string): Promise<Element | undefined> {
    const wanted = this.#request.child(Fast, 'request-token')?.attrs['mechanism'] ?? this.#due
    const mechanism = tokenMechanismsFor(this.#negotiation.binding).find(name => name === wanted)
    const binding = mechanism && tokenBinding(mechanism, this.#negotiation.binding)
    const { client } = this.#connection
    if (mechanism === undefined || binding === undefined || client === undefined) return undefined
    const { accounts, tokens } = this.#connection.served!.host
    const isOutdated = (): boolean => this.#connection.isOutdated(username)
    const fresh = await tokens.issue({ account: accounts.of(username), client, mechanism, binding, isOutdated })
    return fresh && Fast('token', { expiry: writeDateTime(fresh.expiresAt), token: fresh.token })
  }

  /** Forgets what a token has opened. */
  abandon(): void {
    this.#login?.shown?.key.wipe()
    if (this.#login !== undefined) this.#login.shown = undefined
  }
}

/** §3.4: a positive integer. */
function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new SaslError('malformed-request')
  return Number(text)
}

const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1'

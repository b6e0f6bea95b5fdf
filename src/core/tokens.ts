import { createHmac } from 'node:crypto'
import { randomId } from '../lib/random.ts'
import { type FastKind, hashedToken, sealFast } from '../seal/fast.ts'
import type { Db } from '../storage/db.ts'
import type { Account, Accounts } from './account.ts'
import type { AccountStore } from './account-store.ts'
import type { Clock } from './clock.ts'
import { KeyStore } from './key-store.ts'
import type { Keys } from './keys.ts'
import type { Log } from './log.ts'
import { TokenCounts } from './token-counts.ts'
import { type ShownToken, TokenLogin, tokenOf } from './token-login.ts'
import { type TokenRow, TokenStore } from './token-store.ts'

export interface TokenSettings {
  /** For how many days a token is good, and the rest of the day on which it was made; 0: there are none. */
  readonly days: number
  /** How many clients of an account may have tokens. */
  readonly clients: number
}

/** What tokens need to know of their host. */
export interface TokenHost {
  readonly db: Db
  readonly store: AccountStore
  readonly accounts: Accounts
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Log
  /** The store is not closed before that is done. */
  track(work: Promise<unknown>): unknown
}

/** Who wants a token, and for what. */
export interface TokenWish {
  readonly account: Account
  readonly client: string
  readonly mechanism: FastKind
  /** The channel binding data of the mechanism on this connection. */
  readonly binding: Buffer
  /** What the client has shown is worth nothing any more. */
  isOutdated(): boolean
}

/** A token for its client; nobody keeps it here. */
export interface FreshToken {
  readonly token: string
  /** In ms. */
  readonly expiresAt: number
}

const DAY = 86_400_000
const SWEEP_EVERY = DAY / 24
/** Days on disk are multiples of this: from the day on which a token can go nobody learns when its client was here, but for the month. */
const VAGUENESS = 28
/** Bytes: a token cannot be guessed, and a client's name not be found out from what it is known as. */
const TOKEN_SIZE = 32
const CLIENT_SIZE = 16

/** The tokens by which the clients of a host log in without their password (XEP-0484). */
export class Tokens {
  readonly host: TokenHost
  readonly #settings: TokenSettings
  readonly #store: TokenStore
  readonly #counts = new TokenCounts()
  #secret: Promise<Buffer> | undefined

  constructor(host: TokenHost, settings: TokenSettings) {
    this.host = host
    this.#settings = settings
    this.#store = new TokenStore(host.db)
    host.clock.after(SWEEP_EVERY, () => this.#sweep())
  }

  /** Whether there are any. */
  get areGiven(): boolean {
    return this.#settings.days > 0
  }

  /** What a client is known as that calls itself `id`: a keyed hash, in each account another one. */
  async clientOf(account: string, id: string): Promise<string> {
    this.#secret ??= this.host.store.hostSecret('client').catch(error => {
      this.#secret = undefined
      throw error
    })
    const name = createHmac('sha256', await this.#secret)
      .update(`${account}\0${id}`)
      .digest()
    return name.toString('base64url', 0, CLIENT_SIZE)
  }

  /** What is kept of the client's tokens. */
  kept(account: string, client: string): Promise<TokenRow[]> {
    return this.#store.find(account, client)
  }

  login(id: string): TokenLogin {
    return new TokenLogin(this, id)
  }

  /** Neither run out, nor made on a day that is yet to come: then a clock was wrong. */
  isInForce(issuedOn: number): boolean {
    const age = this.#today - issuedOn
    return age >= -1 && age <= this.#settings.days
  }

  /** XEP-0484 §3.5: a client that comes back on a later day gets another token. */
  isDue(issuedOn: number): boolean {
    return issuedOn < this.#today
  }

  /**
   * The client has logged in with its token: the one before is worth nothing any more (§3.5), and if it is the `last` one, nor is
   * this (§3.6). `gone`: it was revoked meanwhile. `replayed`: its count is not above the one before (§3.4).
   */
  async use(
    { account: { name }, client, row }: ShownToken,
    count: number | undefined,
    isLast: boolean,
  ): Promise<'used' | 'gone' | 'replayed'> {
    if (count !== undefined && !this.#counts.isHigher(row.verifier, count)) return 'replayed'
    const isThere = async (store: TokenStore): Promise<TokenRow | undefined> =>
      (await store.find(name, client)).find(({ verifier }) => verifier.equals(row.verifier))
    if (row.slot === 'current' && !isLast) return (await isThere(this.#store)) === undefined ? 'gone' : 'used'
    return this.host.db.tx(async db => {
      const store = new TokenStore(db)
      const kept = await isThere(store)
      if (kept === undefined) return 'gone'
      if (isLast) await store.remove(name, client)
      else if (kept.slot === 'new') await store.promote(name, client)
      return 'used'
    })
  }

  /** Makes a token for a client whose owner has just logged in. Undefined where none can be given; then the client goes on as before. */
  issue(wish: TokenWish): Promise<FreshToken | undefined> {
    // In its turn, as revoking is: a token that is being made is revoked with the others, or not made.
    return Promise.resolve(wish.account.turn.take(() => this.#issue(wish)))
  }

  async #issue({ account, client, mechanism, binding, isOutdated }: TokenWish): Promise<FreshToken | undefined> {
    const keys = this.host.keys.of(account)
    const key = keys?.keyOf()
    if (!this.areGiven || keys === undefined || key === undefined || isOutdated()) return undefined
    const today = this.#today
    const token = tokenOf(randomId(TOKEN_SIZE), today)
    const proof = hashedToken(token, 'Initiator', binding)
    const { verifier, wrap, tokenBox: box } = sealFast(mechanism, token, proof, key, keys)
    const text = token.toString('latin1')
    token.fill(0)
    proof.fill(0)
    const { id, generation } = keys
    const expiresOn = today + this.#settings.days + 1
    const goneBy = Math.ceil(expiresOn / VAGUENESS) * VAGUENESS
    const isKept = await this.host.db.tx(async db => {
      // A new password has come between, or another account of that name.
      const found = (await new KeyStore(db).find(account.name))?.identity
      if (found?.generation !== generation || !found.id.equals(id)) return false
      const store = new TokenStore(db)
      const others = (await store.clients(account.name)).filter(other => other !== client)
      const surplus = Math.max(0, others.length + 1 - this.#settings.clients)
      for (const other of others.slice(0, surplus)) await store.remove(account.name, other)
      await store.put(account.name, client, { slot: 'new', mechanism, verifier, wrap, box, goneBy })
      return true
    })
    return isKept ? { token: text, expiresAt: expiresOn * DAY } : undefined
  }

  /** The clients that have tokens; some may have run out within the last weeks. */
  clients(account: Account): Promise<string[]> {
    return this.#store.clients(account.name)
  }

  /** In the account's turn: the client's tokens are worth nothing any more, nor is what it has shown just now. */
  async revoke({ name }: Account, client: string): Promise<void> {
    await this.#store.remove(name, client)
    this.host.store.revise(clientKey(name, client))
  }

  /** Whether the client was revoked since that revision of the accounts. */
  isOutdated(account: string, client: string, revision: number): boolean {
    return this.host.store.isOutdated(clientKey(account, client), revision)
  }

  get #today(): number {
    return Math.floor(this.host.clock.now() / DAY)
  }

  #sweep(): void {
    this.host.track(this.#store.removeGone(this.#today).catch(error => this.host.log.fault('tokens.sweep', error)))
    this.host.clock.after(SWEEP_EVERY, () => this.#sweep())
  }
}

/** No account's name has a slash. */
const clientKey = (account: string, client: string): string => `${account}/${client}`

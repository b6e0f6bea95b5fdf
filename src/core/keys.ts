import { randomBytes } from 'node:crypto'
import { randomNumber } from '../lib/random.ts'
import type { Secret } from '../lib/secret.ts'
import type { SealedAccount } from '../seal/account.ts'
import { openFormerKey, sealFormerKey } from '../seal/former-key.ts'
import { PrivateKey } from '../seal/private-key.ts'
import { newRecoveryCode, readRecoveryCode } from '../seal/recovery.ts'
import { SealError } from '../seal/seal-error.ts'
import type { ShredStore } from '../seal/shred-store.ts'
import { type CredentialKind, unwrapKey, wrapKey } from '../seal/wrap.ts'
import type { Db } from '../storage/db.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Account } from './account.ts'
import { AccountKeys } from './account-keys.ts'
import type { StoredCredential } from './account-store.ts'
import { DoomedSecrets } from './doomed-secrets.ts'
import { KeyStore, type LockedKey, type SealIdentity } from './key-store.ts'
import type { Log } from './log.ts'

/** What is stored of a new password, and its ClientKey, which locks the account's key. Whoever gets it last wipes it. */
export interface NewCredential {
  readonly credential: StoredCredential
  readonly clientKey: Secret
}

/** What a login has shown: the ClientKey of a password (RFC 5802 §3) with what it locks, or the account's key itself out of a token. */
export type Proof =
  | { readonly kind: 'password'; readonly hash: string; readonly clientKey: Secret; readonly wrap: Buffer | undefined }
  | { readonly kind: 'key'; readonly key: PrivateKey; readonly generation: number }

/** While it is held, what is sealed for the account can be read, if its proof has opened it. */
export interface KeyHold {
  /** The connection that showed the proof is gone. */
  release(): void
}

/** A change of an account's key: to be written with the new credentials, then to be made true, or to be abandoned. */
export interface KeyChange {
  readonly now: SealIdentity
  readonly credentials: readonly StoredCredential[]
  /** In the transaction that replaces the credentials. Throws if the key was changed meanwhile. */
  write(db: Db): Promise<void>
  done(): void
  abandon(): void
}

/** The keys of a host's accounts: made with them, opened by logins, replaced with passwords. */
export class Keys {
  /** Without which nothing opens that is kept for a limited time. */
  readonly shred: ShredStore
  readonly #db: Db
  readonly #store: KeyStore
  readonly #log: Log
  readonly #keys = new WeakMap<Account, AccountKeys>()
  readonly #doomed: DoomedSecrets

  constructor(db: Db, shred: ShredStore, log: Log) {
    this.#db = db
    this.#store = new KeyStore(db)
    this.shred = shred
    this.#doomed = new DoomedSecrets(this.#store, shred)
    this.#log = log
  }

  /** Undefined for an account that does not exist, or that was made before there were keys and has not logged in since. */
  of(account: Account): AccountKeys | undefined {
    return this.#keys.get(account)
  }

  /** The key of a new account, locked in its credentials. Its secrets are safe on disk when this is done. Wipes the ClientKeys. */
  async create(credentials: readonly NewCredential[]): Promise<{ identity: SealIdentity; credentials: readonly StoredCredential[] }> {
    const { key, identity } = await this.#generate()
    const locked = lockAll(key, identity, credentials)
    key.wipe()
    return { identity, credentials: locked }
  }

  /** Reads what stands in the clear. False if there is no such account. */
  async load(account: Account): Promise<boolean> {
    const found = await this.#store.find(account.name)
    if (found?.identity !== undefined && !this.#keys.has(account)) await this.#know(account, found.identity)
    return found !== undefined
  }

  /** The account is gone. */
  forget(account: Account): void {
    this.#keys.get(account)?.lock()
    this.#keys.delete(account)
  }

  /** Opens the account's keys if the proof does. In its turn. `locked` is called when nobody holds them any more. Wipes the proof. */
  async hold(account: Account, proof: Proof, locked: () => void): Promise<KeyHold> {
    let isTaken = false
    try {
      const keys = this.of(account) ?? (await this.#createLate(account, proof))
      if (keys === undefined) return NO_HOLD
      if (!keys.isOpen) isTaken = await this.#open(account, keys, proof)
      return new Hold(account, keys, locked)
    } finally {
      if (proof.kind === 'password') proof.clientKey.wipe()
      else if (!isTaken) proof.key.wipe()
    }
  }

  /** The owner, who is logged in, has a new password: there is a new key, in which the former ones are locked. Undefined while they are locked. Wipes the ClientKeys. */
  change(account: Account, credentials: readonly NewCredential[]): KeyChange | undefined {
    const keys = this.of(account)
    if (keys?.isOpen) return this.#renew(account, keys, credentials, keys.opened())
    for (const { clientKey } of credentials) clientKey.wipe()
    return undefined
  }

  /**
   * Someone else gives the account a new password: what was sealed for it stays locked, unless the owner has a recovery code.
   * `isLost` says that there is none.
   */
  async reset(account: Account, credentials: readonly NewCredential[]): Promise<KeyChange & { readonly isLost: boolean }> {
    const keys = this.of(account)
    const locked = keys === undefined ? [] : await this.#store.lockedKeys(account.name)
    const isLost = !locked.some(({ kind }) => kind === 'recovery')
    if (keys === undefined) {
      const { identity, credentials: stored } = await this.create(credentials)
      const write = async (db: Db): Promise<void> => mustBeDone(await new KeyStore(db).replace(account.name, identity, undefined))
      return { now: identity, credentials: stored, write, done: () => void this.#know(account, identity), abandon() {}, isLost }
    }
    const change = this.#renew(account, keys, credentials)
    const write = async (db: Db): Promise<void> => {
      await change.write(db)
      if (!isLost) return
      await new KeyStore(db).removeLockedKeys(account.name)
      await this.#doomed.doom(db, keys, 'all')
    }
    return { ...change, write, isLost }
  }

  /**
   * Replaces the secret of the account's archive, or all that it has: what was sealed with them is dead. `also` removes it, in one
   * transaction. In the account's turn.
   */
  async shredAll(account: Account, also: (db: Db) => Promise<unknown>, kind: 'archive' | 'all' = 'archive'): Promise<void> {
    const keys = this.of(account)
    await this.#db.tx(async db => {
      await also(db)
      if (keys !== undefined) await this.#doomed.doom(db, keys, kind)
    })
    await this.shredDoomed()
  }

  /** In the transaction that removes the account; then `shredDoomed`. */
  async remove(account: Account, db: Db): Promise<void> {
    const keys = this.of(account)
    if (keys !== undefined) await this.#doomed.doom(db, keys, 'account')
    await new KeyStore(db).removeLockedKeys(account.name)
  }

  /** In the transaction that removes what was sealed with secrets that are no account's; then `shredDoomed`. */
  doomSecrets(id: Buffer, db: Db): Promise<void> {
    return this.#doomed.doomOthers(db, id)
  }

  /** Destroys the secrets that were said to go, also those that a crash has left. */
  shredDoomed(): Promise<void> {
    return this.#doomed.shred()
  }

  /** A code that opens the account's keys should its password be lost; the former one opens nothing any more. Undefined while they are locked. */
  async newRecoveryCode(account: Account): Promise<string | undefined> {
    const keys = this.of(account)
    const key = keys?.keyOf()
    if (keys === undefined || key === undefined) return undefined
    const { text, secret } = newRecoveryCode()
    try {
      const { generation, publicKey } = keys
      const box = wrapKey('recovery', secret.bytes, key, keys)
      await this.#store.addLockedKey(account.name, { kind: 'recovery', generation, opener: generation, publicKey, box })
      return text
    } finally {
      secret.wipe()
    }
  }

  /** In the transaction of a new password: the code that opens the key until then opens nothing that comes. True if there was one. */
  async endRecoveryCode(account: Account, db: Db): Promise<boolean> {
    const keys = this.of(account)
    return keys !== undefined && (await new KeyStore(db).removeLockedKey(account.name, 'recovery', keys.generation)) > 0
  }

  /** Brings back what a reset has locked. False if the code does not open it. */
  async recover(account: Account, code: string): Promise<boolean> {
    const keys = this.of(account)
    const secret = readRecoveryCode(code)
    if (keys?.isOpen !== true || secret === undefined) return false
    const regained = new Map<number, PrivateKey>()
    try {
      const locked = await this.#store.lockedKeys(account.name)
      const wrap = locked.find(each => each.generation !== keys.generation && this.#regain(each, keys, secret, locked, regained))
      if (wrap === undefined) return false
      await this.#db.tx(async db => {
        const store = new KeyStore(db)
        for (const [generation, old] of regained) await store.addLockedKey(account.name, lockedIn(keys, generation, old))
        await store.removeLockedKey(account.name, 'recovery', wrap.generation)
      })
      // Its owner may have gone meanwhile.
      if (account.holds === 0) return true
      for (const [generation, old] of regained) keys.regain(generation, old)
      regained.clear()
      return true
    } finally {
      secret.wipe()
      for (const key of regained.values()) key.wipe()
    }
  }

  /** Whether the code opens that key; then it is among the regained ones, with what is locked in it. */
  #regain(wrap: LockedKey, keys: AccountKeys, code: Secret, locked: readonly LockedKey[], regained: Map<number, PrivateKey>): boolean {
    if (wrap.kind !== 'recovery') return false
    const then = { id: keys.id, generation: wrap.generation, publicKey: wrap.publicKey }
    const key = opened(() => unwrapKey('recovery', code.bytes, wrap.box, then))
    if (key === undefined) return false
    regained.set(then.generation, key)
    this.#openFormer(locked, then, key, regained)
    return true
  }

  /** The credential with the account's key locked in it, for an owner who is logged in. Wipes the ClientKey. */
  lock(account: Account, added: NewCredential): StoredCredential {
    const keys = this.of(account)
    const key = keys?.keyOf()
    if (keys !== undefined && key !== undefined) return lockAll(key, keys, [added])[0]!
    added.clientKey.wipe()
    return added.credential
  }

  async #know(account: Account, identity: SealIdentity): Promise<AccountKeys> {
    // After its file was lost, or at level `memory`: what was sealed is gone, what comes needs new secrets.
    if (this.shred.account(identity.id) === undefined) await this.shred.makeAccount(identity.id)
    const keys: AccountKeys = new AccountKeys(identity, () => this.#putRight(account, keys))
    this.#keys.set(account, keys)
    return keys
  }

  /** Somebody has written another public key to the disk, to read what is sealed from then on. */
  #putRight(account: Account, keys: AccountKeys): void {
    this.#log.fault('seal.forged', new SealError('substituted', 'the public key of an account was not that of its private key'))
    const { number, id, generation, publicKey } = keys
    const written = this.#store.replace(account.name, { number, id, generation, publicKey }, generation)
    written.catch(error => this.#log.fault('seal.forged', error))
  }

  /** True: the proof's key is in use. */
  async #open(account: Account, keys: AccountKeys, proof: Proof): Promise<boolean> {
    const key = unlock(keys, proof)
    if (key === undefined) return false
    keys.unlock(key)
    if (keys.generation > 1) {
      const former = new Map<number, PrivateKey>()
      this.#openFormer(await this.#store.lockedKeys(account.name), keys, key, former)
      for (const [generation, old] of former) keys.regain(generation, old)
    }
    return true
  }

  /** Opens what is locked in the key, and what is locked in that. */
  #openFormer(locked: readonly LockedKey[], opener: SealedAccount, key: PrivateKey, into: Map<number, PrivateKey>): void {
    for (const { kind, generation, box } of locked.filter(each => each.opener === opener.generation)) {
      if (kind !== 'former') continue
      const old = opened(() => openFormerKey(key, opener, generation, box))
      if (old === undefined) this.#log.fault('seal.former', new SealError('unreadable', 'the key of a former password does not open'))
      else into.set(generation, old)
    }
  }

  /** Where `opened` are given, they go on with the new key; else all is locked. */
  #renew(account: Account, keys: AccountKeys, credentials: readonly NewCredential[], opened?: ReadonlyMap<number, PrivateKey>): KeyChange {
    const key = PrivateKey.generate()
    const { number, id, generation: before } = keys
    const now = { number, id, generation: before + 1, publicKey: key.publicKey }
    // At once: whoever opened them may go while it is written.
    const former = [...(opened ?? [])].map(([generation, old]) => lockedIn(now, generation, old))
    const write = async (db: Db): Promise<void> => {
      const store = new KeyStore(db)
      mustBeDone(await store.replace(account.name, now, before))
      for (const locked of former) await store.addLockedKey(account.name, locked)
    }
    const done = (): void => {
      // Whoever opened them may have gone meanwhile.
      const isHeld = opened !== undefined && account.holds > 0
      if (!isHeld) key.wipe()
      keys.become(now, isHeld ? key : undefined)
    }
    return { now, credentials: lockAll(key, now, credentials), write, done, abandon: () => key.wipe() }
  }

  /** For an account that was made before there were keys. */
  async #createLate(account: Account, proof: Proof): Promise<AccountKeys | undefined> {
    if (!account.exists || proof.kind !== 'password') return undefined
    const { hash, clientKey } = proof
    const { key, identity } = await this.#generate()
    const wrap = wrapKey(kindOf(hash), clientKey.bytes, key, identity)
    await this.#db.tx(async db => {
      mustBeDone(await new KeyStore(db).replace(account.name, identity, undefined))
      await new KeyStore(db).setWrap(account.name, hash, wrap)
    })
    const keys = await this.#know(account, identity)
    keys.unlock(key)
    return keys
  }

  async #generate(): Promise<{ key: PrivateKey; identity: SealIdentity }> {
    const key = PrivateKey.generate()
    const identity = { number: randomNumber(), id: randomBytes(16), generation: 1, publicKey: key.publicKey }
    await this.shred.makeAccount(identity.id)
    return { key, identity }
  }
}

const NO_HOLD: KeyHold = { release() {} }

class Hold implements KeyHold {
  readonly #account: Account
  readonly #keys: AccountKeys
  readonly #locked: () => void
  #isReleased = false

  constructor(account: Account, keys: AccountKeys, locked: () => void) {
    this.#account = account
    this.#keys = keys
    this.#locked = locked
    account.holds++
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (--this.#account.holds > 0) return
    this.#keys.lock()
    this.#locked()
  }
}

/** The hash of a SCRAM mechanism is the name of its kind of lock. */
const kindOf = (hash: string): CredentialKind => hash as CredentialKind

/** Wipes the ClientKeys. */
function lockAll(key: PrivateKey, identity: SealedAccount, credentials: readonly NewCredential[]): StoredCredential[] {
  return credentials.map(({ credential, clientKey }) => {
    const wrap = wrapKey(kindOf(credential.hash), clientKey.bytes, key, identity)
    clientKey.wipe()
    return { ...credential, wrap }
  })
}

/** Undefined where the proof does not open it: the password was changed meanwhile, then the stream is refused when it binds; or there is no lock for it. */
function unlock(keys: AccountKeys, proof: Proof): PrivateKey | undefined {
  if (proof.kind === 'key') return proof.generation === keys.generation ? proof.key : undefined
  const { hash, clientKey, wrap } = proof
  if (wrap === undefined) return undefined
  return opened(() => unwrapKey(kindOf(hash), clientKey.bytes, wrap, keys, { isUnchecked: true }))
}

function lockedIn(now: SealedAccount, generation: number, old: PrivateKey): LockedKey {
  const box = sealFormerKey(now, old, generation)
  return { kind: 'former', generation, opener: now.generation, publicKey: old.publicKey, box }
}

/** What opens nothing is undefined. */
function opened<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}

function mustBeDone(isDone: boolean): void {
  if (!isDone) throw new StanzaError('conflict', 'the password was changed just now')
}

import type { Db } from '../storage/db.ts'
import { StreamError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import type { Account } from './account.ts'
import type { StoredCredential } from './account-store.ts'
import type { LocalHost } from './host.ts'
import type { KeyChange, NewCredential } from './keys.ts'
import { lockedError } from './locked.ts'
import { accountCreated, accountLoaded, accountLocked, accountRegained, accountRekeyed, accountRemoved, accountReset } from './points.ts'
import type { Router } from './router.ts'

/** What is stored of a new password. Takes a while, and much of the processor. */
export type CredentialsOf = (name: string, password: string) => Promise<NewCredential[]>

/** What a change of an account is made in, and what is to be done once it is made. */
interface InTransaction {
  readonly db: Db
  afterwards(work: () => void): void
}

/** How accounts of a host come to be, change their passwords and go; with their keys, and with all that modules hold of them. */
export class AccountLife {
  readonly #host: LocalHost
  readonly #router: Router
  readonly #credentialsOf: CredentialsOf

  constructor(host: LocalHost, router: Router, credentialsOf: CredentialsOf) {
    this.#host = host
    this.#router = router
    this.#credentialsOf = credentialsOf
  }

  /** The first turn of an account in memory. */
  async load(account: Account): Promise<void> {
    const { accounts, hooks, keys } = this.#host
    try {
      account.exists = await keys.load(account)
      if (account.exists) await hooks.run(accountLoaded, account)
      account.trouble = undefined
    } catch (error) {
      account.trouble = this.#host.asStanzaError(error)
      accounts.forget(account) // the next stanza tries again
    }
  }

  /** False if the name is taken. `also` runs in the same transaction, once the name is known to be free. Wipes the ClientKeys. */
  create(name: string, credentials: readonly NewCredential[], also?: (db: Db) => Promise<unknown>): Promise<boolean> {
    return this.#inTurn(name, account => this.#create(account, credentials, also))
  }

  async #create(account: Account, credentials: readonly NewCredential[], also?: (db: Db) => Promise<unknown>): Promise<boolean> {
    const { hooks, keys, store } = this.#host
    if (account.exists) {
      for (const { clientKey } of credentials) clientKey.wipe()
      return false
    }
    const { identity, credentials: locked } = await keys.create(credentials)
    let isNew = false
    try {
      isNew = await store.create(account.name, identity, locked, async db => {
        await hooks.run(accountCreated, { account: account.name, db })
        await also?.(db)
      })
    } finally {
      if (!isNew) await keys.shred.removeAccount(identity.id)
    }
    if (isNew) await this.load(account)
    return isNew
  }

  /**
   * The owner's client has asked for a new password. All else that is logged in is ended: it knew the old one, which may be
   * why there is a new one. In the account's turn. Throws a StanzaError if the account's key is not open.
   */
  async changePassword(account: Account, password: string, by: Jid): Promise<void> {
    const { documents, hooks, keys } = this.#host
    const change = keys.change(account, await this.#credentialsOf(account.name, password))
    if (change === undefined) throw lockedError()
    const { now } = change
    const write = async (inside: InTransaction): Promise<void> => {
      await documents.reseal(account, inside.db, now)
      await hooks.run(accountRekeyed, { account, ...inside, now })
    }
    await this.#replacePassword(account, change, write, by)
  }

  /**
   * Somebody who does not know the password gives the account another one. All its sessions end. Undefined if there is no such
   * account; `isLost` says that what was kept for it opens never again.
   */
  resetPassword(name: string, password: string): Promise<{ readonly isLost: boolean } | undefined> {
    return this.#inTurn(name, account => this.#reset(account, password))
  }

  async #reset(account: Account, password: string): Promise<{ readonly isLost: boolean } | undefined> {
    const { documents, hooks, keys, rows } = this.#host
    const { name } = account
    if (account.trouble !== undefined) throw account.trouble
    if (!account.exists) return undefined
    const change = await keys.reset(account, await this.#credentialsOf(name, password))
    const { isLost } = change
    const write = async (inside: InTransaction): Promise<void> => {
      if (isLost) await documents.removeAll(name, inside.db)
      if (isLost) await rows.removeAll(name, inside.db)
      await hooks.run(accountReset, { account, ...inside, isLost })
    }
    if (!(await this.#replacePassword(account, change, write))) return undefined
    await keys.shredDoomed()
    return { isLost }
  }

  /** Brings back what a reset has locked. False if the code does not open it. In the account's turn. */
  async recover(account: Account, code: string): Promise<boolean> {
    const { failed, hooks, keys } = this.#host
    if (!(await keys.recover(account, code))) return false
    await hooks.tell(accountRegained, account, failed)
    return true
  }

  async #replacePassword(account: Account, change: KeyChange, write: (inside: InTransaction) => unknown, by?: Jid): Promise<boolean> {
    const { failed, hooks, store } = this.#host
    const afterwards: (() => void)[] = []
    let isReplaced = false
    try {
      isReplaced = await store.replaceCredentials(account.name, change.credentials, async db => {
        await change.write(db)
        await write({ db, afterwards: work => afterwards.push(work) })
      })
    } finally {
      if (isReplaced) change.done()
      else change.abandon()
    }
    if (!isReplaced) return false
    if (by === undefined) void hooks.tell(accountLocked, account, failed)
    for (const session of account.sessions.values()) {
      if (by === undefined || !session.jid.equals(by)) this.#host.end(session, new StreamError('reset', 'the password was changed'))
    }
    for (const work of afterwards) work()
    return true
  }

  /** The owner adds the credential of another hash to the one that he has shown (XEP-0480). False if that is not valid any more. Wipes the ClientKey. */
  addCredential(name: string, added: NewCredential, shown: Pick<StoredCredential, 'hash' | 'storedKey'>): Promise<boolean> {
    const { keys, store } = this.#host
    return this.#inTurn(name, account => store.addCredential(name, keys.lock(account, added), shown))
  }

  /**
   * Removes an account with all that is held of it; false if there is none. Its sessions end, but their streams are open
   * until it is gone: `gone` may then say so to a client. Not to be awaited in the account's turn.
   */
  remove(name: string, gone?: () => void): Promise<boolean> {
    return this.#inTurn(name, account => this.#remove(account, gone))
  }

  async #remove(account: Account, gone: (() => void) | undefined): Promise<boolean> {
    const { accounts, documents, hooks, keys, rows, store } = this.#host
    const { name } = account
    // Without its keys what is kept for it would not be found.
    if (account.trouble !== undefined) throw account.trouble
    const sessions = [...account.sessions.values()]
    account.exists = false
    try {
      for (const session of sessions) await this.#host.leave(session)
      const afterwards: (() => void)[] = []
      const isRemoved = await store.remove(name, async db => {
        await keys.remove(account, db)
        await documents.removeAll(name, db)
        await rows.removeAll(name, db)
        await hooks.run(accountRemoved, { account: name, db, afterwards: work => afterwards.push(work) })
      })
      gone?.()
      for (const work of afterwards) work()
      keys.forget(account)
      rows.forget(account)
      await keys.shredDoomed()
      return isRemoved
    } finally {
      for (const { transport } of sessions) transport.close(new StreamError('not-authorized', 'the account was removed'))
      accounts.forget(account)
    }
  }

  #inTurn<T>(name: string, work: (account: Account) => Promise<T>): Promise<T> {
    const account = this.#host.accounts.of(name)
    const done = Promise.resolve(account.turn.take(() => work(account)))
    this.#router.track(done)
    return done
  }
}

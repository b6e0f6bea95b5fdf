import { hkdf, hmac } from '../seal/hkdf.ts'
import { SealError } from '../seal/seal-error.ts'
import { openForServer, sealForServer } from '../seal/server-box.ts'
import type { Db } from '../storage/db.ts'
import type { AccountStore } from './account-store.ts'
import type { Keys } from './keys.ts'
import type { Log } from './log.ts'
import type { Arrangements } from './module.ts'

const NO_SALT = Buffer.alloc(0)

/** What seals for one thing, and opens again. `context` says what it is: what was sealed in one does not open in another. */
export class ServerBox {
  /** Has the secret made, and safe on disk, if there is none. To be waited for before anything is sealed. */
  readonly prepare: () => Promise<void>
  readonly #secret: () => Buffer
  readonly #ofHost: () => Promise<Buffer>
  readonly #log: Log

  constructor(secret: () => Buffer, prepare: () => Promise<void>, ofHost: () => Promise<Buffer>, log: Log) {
    this.#secret = secret
    this.prepare = prepare
    this.#ofHost = ofHost
    this.#log = log
  }

  /** Overwrites what it was given with zeros. */
  seal(context: string, plain: Buffer): Buffer {
    const box = sealForServer(this.#secret(), context, plain)
    plain.fill(0)
    return box
  }

  /** Undefined where the secret is lost. */
  async open(context: string, box: Buffer): Promise<Buffer | undefined> {
    const opened = tryToOpen(this.#secret(), context, box)
    if (!(opened instanceof SealError)) return opened
    // The operator may have chosen another place for the secrets since.
    const former = tryToOpen(await this.#ofHost(), context, box)
    if (!(former instanceof SealError)) return former
    this.#log.fault('seal.box', opened)
    return undefined
  }

  /** 32 bytes that are always the same as long as the secret is there. */
  derive(context: string): Buffer {
    return hkdf('sha256', this.#secret(), NO_SALT, `CXZ-SEAL-1 derived ${context}`, 32)
  }
}

/**
 * What the running server must know of something that is no account, such as a room (class B): sealed with a secret of that thing in the shred
 * store, which is destroyed with it. Where that store is in memory alone it is a secret of the host, or a restart would lose it.
 */
export class ServerBoxes {
  readonly #keys: Keys
  readonly #store: AccountStore
  readonly #arrangements: Arrangements
  readonly #log: Log

  constructor(keys: Keys, store: AccountStore, arrangements: Arrangements, log: Log) {
    this.#keys = keys
    this.#store = store
    this.#arrangements = arrangements
    this.#log = log
  }

  /** `id`: 16 random bytes. The secret is made, and safe on disk, if there is none. */
  async of(id: Buffer): Promise<ServerBox> {
    const box = await this.later(id)
    await box.prepare()
    return box
  }

  /** The same, with no secret before something is to be sealed: of what may never be on disk a crash must leave none. */
  async later(id: Buffer): Promise<ServerBox> {
    const ofHost = (): Promise<Buffer> => this.#ofHost(id)
    if (this.#arrangements.secrets === 'memory') {
      const secret = await ofHost()
      return new ServerBox(
        () => secret,
        async () => {},
        ofHost,
        this.#log,
      )
    }
    const { shred } = this.#keys
    const prepare = async (): Promise<void> => {
      if (shred.account(id) === undefined) await shred.makeAccount(id)
    }
    const secret = (): Buffer => {
      const known = shred.account(id)
      if (known === undefined) throw new SealError('unreadable', 'there is no such secret')
      return known.server
    }
    return new ServerBox(secret, prepare, ofHost, this.#log)
  }

  /** In the transaction that removes what is sealed with the secret; then `shred`. */
  doom(id: Buffer, db: Db): Promise<void> {
    return this.#keys.doomSecrets(id, db)
  }

  /** What cannot be destroyed now is at the next full hour, or when the server starts. */
  async shred(): Promise<void> {
    try {
      await this.#keys.shredDoomed()
    } catch (error) {
      this.#log.fault('seal.shred', error)
    }
  }

  async #ofHost(id: Buffer): Promise<Buffer> {
    return hmac('sha256', await this.#store.hostSecret('boxes'), id)
  }
}

function tryToOpen(secret: Buffer, context: string, box: Buffer): Buffer | SealError {
  try {
    return openForServer(secret, context, box)
  } catch (error) {
    if (error instanceof SealError) return error
    throw error
  }
}

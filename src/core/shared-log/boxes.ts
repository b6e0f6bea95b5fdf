import { type LimitedAddress, type LimitedSecrets, openLimited, sealLimited } from '../../seal/limited-box.ts'
import { periodOf, type RetentionClass } from '../../seal/retention.ts'
import { SealError } from '../../seal/seal-error.ts'
import { StorageError } from '../../storage/db.ts'
import { bufferOf, type Entry } from '../sealed-log/opening.ts'
import type { Kind, Shred } from '../sealed-log/parts.ts'
import type { StoredRow } from '../sealed-log/tables.ts'

/** The two parts of a message. */
export interface Parts {
  readonly header: Buffer
  readonly body: Buffer
}

const NOTHING = Buffer.alloc(0)

/** What opens as long as the secret of the period and that of the owner live, whose id this is. */
export class LimitedBoxes {
  readonly #shred: Shred
  readonly #store: number

  constructor(shred: Shred, store: number) {
    this.#shred = shred
    this.#store = store
  }

  /** How what comes now is sealed. Its secrets are there when this is done: at once, where they were there before. */
  kindFor(id: Buffer, cls: RetentionClass, now: number): Kind | Promise<Kind> {
    const kind = { class: cls, period: periodOf(cls, now) }
    return this.#secretsOf(id, kind) === undefined ? this.#make(id, kind) : kind
  }

  isPeriodAlive({ class: cls, period }: Kind): boolean {
    return this.#shred.period(cls, period) !== undefined
  }

  seal(id: Buffer, kind: Kind, ord: number, { header, body }: Parts): Parts {
    const secrets = this.#secretsOf(id, kind)
    if (secrets === undefined) throw new StorageError('broken', 'a secret that was made is not there')
    const address = { owner: id, store: this.#store, ...kind, ord }
    return {
      header: sealLimited({ ...address, part: 'header' }, secrets, header),
      body: sealLimited({ ...address, part: 'body' }, secrets, body),
    }
  }

  /** Undefined where it does not open. */
  open(id: Buffer, { ord, class: cls, period, header, body }: StoredRow): Entry | undefined {
    const secrets = this.#secretsOf(id, { class: cls, period })
    if (secrets === undefined) return undefined
    const open = (part: LimitedAddress['part'], box: Uint8Array | null): Buffer =>
      box === null ? NOTHING : openLimited({ owner: id, store: this.#store, class: cls, period, ord, part }, secrets, bufferOf(box))
    try {
      return { ord, header: open('header', header), body: open('body', body) }
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    }
  }

  async #make(id: Buffer, kind: Kind): Promise<Kind> {
    await this.#shred.makePeriod(kind.class, kind.period)
    await this.#shred.makeAccount(id)
    return kind
  }

  #secretsOf(id: Buffer, { class: cls, period: number }: Kind): LimitedSecrets | undefined {
    const period = this.#shred.period(cls, number)
    const own = this.#shred.account(id)
    return period === undefined || own === undefined ? undefined : { period, owner: own.archive }
  }
}

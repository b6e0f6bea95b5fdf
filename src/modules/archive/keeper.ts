import type { Account } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import { then } from '../../core/host.ts'
import type { RetentionClass, SealedLog } from '../../core/sealed-log.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { headerOf, writeBody, writeHeader } from './kept-message.ts'
import { isPrivateInRoom } from './worth-keeping.ts'

export interface KeeperLimits {
  /** Messages of an account. */
  readonly messages: number
  /** Bytes of an account in a day. */
  readonly daily: number
  /** Bytes that a body has at least. */
  readonly padding: number
}

/** Whose message it is. */
export interface Side {
  /** The other side. */
  readonly peer: Jid
  readonly isOutgoing: boolean
  readonly isFromStranger: boolean
}

/** A message that is being written into an archive. */
export interface Kept {
  readonly ord: number
  readonly safe: Promise<void>
}

const DAY = 86_400_000

/** Of the room of a day strangers get a quarter, and of that for messages a quarter in the 30 days that messages are kept at most. */
const STRANGERS_PART = 1 / 4
const STRANGERS_MESSAGES = STRANGERS_PART / 30

/** So far a clock may be put back without times in the archive going back, in ms. */
const FORGIVEN = 10 * 60_000

/** After so many messages, and at the first one after a start, it is looked whether there are too many. */
const LOOK_EVERY = 1024

/** Times rise with the order of messages, also where the clock is put right meanwhile: that of the next one, after that of the last. */
export const timeAfter = (last: number, now: number): number => (last - now > FORGIVEN ? now : Math.max(now, last))

interface Written {
  at: number
  day: number
  bytes: number
  readonly ofStrangers: { bytes: number; count: number }
  /** Until it is looked again. */
  left: number
}

/** Writes messages into archives. In the account's turn. */
export class Keeper {
  readonly #archive: SealedLog
  readonly #clock: Clock
  readonly #failed: (error: unknown) => undefined
  readonly #limits: KeeperLimits
  readonly #written = new WeakMap<Account, Written>()

  constructor(archive: SealedLog, clock: Clock, failed: (error: unknown) => undefined, limits: KeeperLimits) {
    this.#archive = archive
    this.#clock = clock
    this.#failed = failed
    this.#limits = limits
  }

  /** Undefined where it cannot be kept: the conversation goes on without. */
  keep(account: Account, cls: RetentionClass, message: Element, side: Side): Kept | undefined | Promise<Kept | undefined> {
    if (!this.#archive.has(account)) return undefined
    const written = this.#writtenOf(account)
    const at = this.#timeFor(written)
    const body = writeBody(message, at, this.#limits.padding)
    if (!this.#takeRoom(written, body.length, side)) return undefined
    const header = writeHeader(headerOf(message, at, side.peer, side.isOutgoing, isPrivateInRoom(message)))
    const wipe = (): void => {
      header.fill(0)
      body.fill(0)
    }
    try {
      const room = written.left-- > 0 ? undefined : this.#makeRoom(account, written)
      const kept = then(room, () => this.#archive.append(account, cls, header, body))
      if (kept instanceof Promise) return kept.catch(this.#failed).finally(wipe)
      wipe()
      return kept
    } catch (error) {
      wipe()
      return this.#failed(error)
    }
  }

  /** Whoever writes more than anybody reads would fill the disk. Strangers leave room for those whom the user knows. */
  #takeRoom(written: Written, size: number, { isFromStranger }: Side): boolean {
    const { daily, messages } = this.#limits
    const { ofStrangers } = written
    if (written.bytes + size > daily) return false
    if (isFromStranger) {
      if (ofStrangers.bytes + size > daily * STRANGERS_PART || ofStrangers.count >= messages * STRANGERS_MESSAGES) return false
      ofStrangers.bytes += size
      ofStrangers.count++
    }
    written.bytes += size
    return true
  }

  #writtenOf(account: Account): Written {
    const known = this.#written.get(account)
    if (known !== undefined) return known
    const written = { at: 0, day: 0, bytes: 0, ofStrangers: { bytes: 0, count: 0 }, left: 0 }
    this.#written.set(account, written)
    return written
  }

  #timeFor(written: Written): number {
    const now = this.#clock.now()
    const at = timeAfter(written.at, now)
    const day = Math.floor(now / DAY)
    if (day !== written.day) {
      written.day = day
      written.bytes = 0
      Object.assign(written.ofStrangers, { bytes: 0, count: 0 })
    }
    written.at = at
    return at
  }

  /** The oldest make room (XEP-0313 §3.2). */
  async #makeRoom(account: Account, written: Written): Promise<void> {
    written.left = LOOK_EVERY
    const ends = await this.#archive.ends(account)
    const surplus = ends === undefined ? 0 : ends.last - ends.first + 1 - this.#limits.messages
    if (surplus > 0) await this.#archive.removeUntil(account, ends!.first + surplus - 1)
  }
}

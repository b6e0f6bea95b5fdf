/** Who seems to be in a room and is not (XEP-0045 §18.1.2, Ghost Users). */
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { type Condition, isCondition } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { Context } from './context.ts'
import { Ping } from './namespaces.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'

const MINUTE = 60_000
/** So many are asked or leave at a time, and the next ones after so many ms: each of them is told to all, and others want to be heard. */
const AT_A_TIME = 16
const SOON = 200

/** His server says that nobody is there, or cannot be asked. */
const GONE: ReadonlySet<string | undefined> = new Set<Condition>([
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
])
/** The same may be true of all who are from there. */
const UNREACHABLE: ReadonlySet<string | undefined> = new Set<Condition>(['remote-server-not-found', 'remote-server-timeout'])
/** It may be that a client is not there (RFC 6121 §8.5.3.2), or that its owner blocks an occupant, or that it knows no pings. */
const DOUBTFUL = 'service-unavailable'

export const conditionOf = (stanza: Element): string | undefined => stanza.child(Client, 'error')?.elements().find(isCondition)?.name

/** Finds them, in the room's turn. */
export class Ghosts {
  readonly #room: Room
  readonly #context: Context
  #cancel: (() => void) | undefined

  constructor(room: Room, context: Context) {
    this.#room = room
    this.#context = context
  }

  /** Somebody is in the room of whom it may not be heard when he goes. */
  watch(visit: Visit): void {
    if (this.#isWatched(visit)) this.#arm()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Something that the room has sent to a client came back. A private message may have been refused by its recipient. */
  bounced(visit: Visit, error: Element, isPrivate: boolean): void | Promise<void> {
    const condition = conditionOf(error)
    if (GONE.has(condition)) return this.#remove(visit, condition)
    if (condition === DOUBTFUL && !isPrivate) this.#doubt(visit)
  }

  /** The answer to a ping. */
  answered(from: Jid, stanza: Element): void | Promise<void> {
    const visit = this.#room.occupants.visit(from)
    if (visit === undefined || stanza.attrs['type'] === 'result') return
    const condition = conditionOf(stanza)
    if (GONE.has(condition) || (condition === DOUBTFUL && visit.isDoubtful)) return this.#remove(visit, condition)
    visit.heard(this.#context.clock.now())
  }

  /** Whoever does not say in time that he is there is not. */
  #doubt(visit: Visit): void {
    if (visit.isDoubtful) return
    visit.isDoubtful = true
    this.#ping(visit)
  }

  #remove(visit: Visit, condition: string | undefined): void | Promise<void> {
    const left = this.#room.leave(visit.occupant, { codes: [333] }, [], [visit])
    if (UNREACHABLE.has(condition)) this.#askAll(visit.jid.domain)
    return left
  }

  /** Anybody could say of others that their server is gone: they are asked, seldom, and who answers anything is there. */
  #askAll(domain: string): void {
    if (this.#context.service.isLocal(domain)) return
    const now = this.#context.clock.now()
    for (const other of [...this.#room.occupants.visits()]) {
      if (other.jid.domain !== domain || now - other.pingedAt < MINUTE) continue
      other.pingedAt = now
      this.#ping(other)
    }
  }

  #ping(visit: Visit): void {
    const attrs = { type: 'get', id: randomId(9), from: String(this.#room.jid), to: visit.to }
    this.#context.route(Client('iq', attrs, Ping('ping')), this.#room.jid, visit.jid)
  }

  /** Of clients of this server it is heard when they go. */
  #isWatched({ jid, goesAt }: Visit): boolean {
    return jid.domain !== this.#context.domain || goesAt !== undefined
  }

  /** It did not come back in time after the server has started: it is asked once, and then has a little longer. */
  #isLost(visit: Visit, now: number): boolean {
    if (visit.pingedAt > 0 || visit.goesAt! > now) return false
    visit.goesAt = now + MINUTE
    return true
  }

  #arm(ms = MINUTE): void {
    this.#cancel ??= this.#context.clock.after(ms, () => {
      this.#cancel = undefined
      this.#context.act(this.#room, () => this.#look())
    })
  }

  async #look(): Promise<void> {
    const now = this.#context.clock.now()
    const { quiet } = this.#context.settings
    let left = AT_A_TIME
    for (const visit of [...this.#room.occupants.visits()]) {
      if (!this.#isWatched(visit)) continue
      if (left === 0) {
        this.stop()
        this.#arm(SOON)
        return
      }
      this.#arm()
      if (visit.goesAt === undefined ? now - Math.max(visit.heardAt, visit.pingedAt) >= quiet : this.#isLost(visit, now)) {
        visit.pingedAt = now
        this.#ping(visit)
        left--
      } else if (visit.goesAt !== undefined && visit.goesAt <= now) {
        await this.#remove(visit, undefined)
        left--
      }
    }
  }
}

import type { Clock } from '../../core/clock.ts'
import { LimitedEach, limited } from '../../lib/limited.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Occupant } from './occupant.ts'
import type { Room } from './room.ts'
import type { MucSettings } from './settings.ts'

const MINUTE = 60_000
const MESSAGES_IN = 10_000
/** So many are remembered of each kind who have done something of late. */
const REMEMBERED = 5000

export const tooMuch = (): StanzaError => new StanzaError('policy-violation', 'this is too much at once', { type: 'wait' })

/** How often somebody may do something, in all rooms together; and how much goes through one room. */
export class Limits {
  readonly #joins: LimitedEach
  readonly #presences = new WeakMap<Occupant, () => boolean>()
  readonly #mostPresences: number
  readonly #nicks: LimitedEach
  readonly #requests: LimitedEach
  readonly #changes: LimitedEach
  readonly #messages: LimitedEach
  readonly #deliveries = new WeakMap<Room, (count: number) => boolean>()
  readonly #most: number
  readonly #mostChanges: number
  readonly #now: () => number

  constructor({ joins, presences, nicks, requests, changes, messages, deliveries }: MucSettings, clock: Clock) {
    this.#now = () => clock.now()
    const each = (most: number, ms = MINUTE): LimitedEach => new LimitedEach(most, ms, this.#now, REMEMBERED)
    this.#joins = each(joins)
    this.#mostPresences = presences
    this.#nicks = each(nicks)
    this.#requests = each(requests)
    this.#changes = each(changes)
    this.#messages = each(messages, MESSAGES_IN)
    this.#most = deliveries
    this.#mostChanges = changes
  }

  /** Of a person: a bare address. */
  join(bare: string): void {
    if (this.#joins.isTooMuch(bare)) throw tooMuch()
  }

  /** Of an occupant, with all his clients. Who is in many rooms tells all of them at once that he is away. */
  presence(occupant: Occupant): void {
    const known = this.#presences.get(occupant)
    const asks = known ?? limited(this.#mostPresences, MINUTE, this.#now)
    if (known === undefined) this.#presences.set(occupant, asks)
    if (asks()) throw tooMuch()
  }

  nick(bare: string): void {
    if (this.#nicks.isTooMuch(bare)) throw tooMuch()
  }

  /** Of a client, through a room to an occupant. */
  request(client: string): void {
    if (this.#requests.isTooMuch(client)) throw tooMuch()
  }

  /** So many changes by one person of which all are told. What is more than all of them is allowed to who has made none of late. */
  change(bare: string, count = 1): void {
    if (this.#changes.isTooMuch(bare, Math.min(count, this.#mostChanges))) throw tooMuch()
  }

  /** A message that goes to so many clients. */
  message(room: Room, by: Occupant, clients: number): void {
    if (this.#messages.isTooMuch(String(by.bare)) || this.#ofRoom(room)(clients)) throw tooMuch()
  }

  /** What is more than a room may pass on is allowed once: somebody must be able to speak in a room of any size. */
  #ofRoom(room: Room): (count: number) => boolean {
    const known = this.#deliveries.get(room)
    if (known !== undefined) return known
    const asks = limited(this.#most, MESSAGES_IN, this.#now)
    const bounded = (count: number): boolean => asks(Math.min(count, this.#most))
    this.#deliveries.set(room, bounded)
    return bounded
  }
}

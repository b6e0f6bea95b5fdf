import type { Clock } from '../../core/clock.ts'
import { LimitedEach, limited } from '../../lib/limited.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Occupant } from './occupant.ts'
import type { Room } from './room.ts'
import type { MucSettings } from './settings.ts'

const MINUTE = 60_000
const MESSAGES_IN = 10_000
/** So many are remembered of each kind who have done something of late. */
const REMEMBERED = 5000

export const tooMuch = (): StanzaError => new StanzaError('policy-violation', 'this is too much at once', { type: 'wait' })

/** How much goes through a room, by how many hear it; each says whether that is too much. */
interface Flow {
  readonly messages: (clients: number) => boolean
  readonly presence: (clients: number) => boolean
  readonly entries: (shown: number) => boolean
}

/** How often somebody may do something, in all rooms together; and how much goes through one room. */
export class Limits {
  readonly #joins: LimitedEach
  readonly #presences: LimitedEach
  readonly #nicks: LimitedEach
  readonly #requests: LimitedEach
  readonly #changes: LimitedEach
  readonly #messages: LimitedEach
  readonly #flows = new WeakMap<Room, Flow>()
  readonly #most: number
  readonly #fullHouse: number
  readonly #mostChanges: number
  readonly #now: () => number

  constructor({ joins, presences, nicks, requests, changes, messages, deliveries, occupants }: MucSettings, clock: Clock) {
    this.#now = () => clock.now()
    const each = (most: number, ms = MINUTE): LimitedEach => new LimitedEach(most, ms, this.#now, REMEMBERED)
    this.#joins = each(joins)
    this.#presences = each(presences)
    this.#nicks = each(nicks)
    this.#requests = each(requests)
    this.#changes = each(changes)
    this.#messages = each(messages, MESSAGES_IN)
    this.#most = deliveries
    this.#fullHouse = Math.max(deliveries, 2 * occupants ** 2)
    this.#mostChanges = changes
  }

  /** Of a person: a bare address. */
  join(bare: string): void {
    if (this.#joins.isTooMuch(bare)) throw tooMuch()
  }

  /** Somebody enters, or enters again: he is shown all, and all are shown him. Who is affiliated finds no closed doors. */
  entry(room: Room, who: Jid): void {
    this.#ownPresence(room, who)
    const { clients, size } = room.occupants
    if (room.affiliations.of(who) === 'none' && this.#flowOf(room).entries(clients + size)) throw tooMuch()
  }

  /** Of a person in a room, whatever his clients and nicks. Who is in many rooms tells all of them at once that he is away. */
  presence(room: Room, who: Jid): void {
    this.#ownPresence(room, who)
    if (this.#flowOf(room).presence(room.occupants.clients)) throw tooMuch()
  }

  /** All hear that one is gone, and that another one is there. */
  nick(room: Room, who: Jid): void {
    if (this.#nicks.isTooMuch(String(who.bare)) || this.#flowOf(room).presence(2 * room.occupants.clients)) throw tooMuch()
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
    if (this.#messages.isTooMuch(String(by.bare)) || this.#flowOf(room).messages(clients)) throw tooMuch()
  }

  #ownPresence(room: Room, who: Jid): void {
    if (this.#presences.isTooMuch(`${room.jid} ${who.bare}`)) throw tooMuch()
  }

  /** A room that is as full as it may be, all of whom enter again, is let in at once; then it is as much in the long run as of messages. */
  #flowOf(room: Room): Flow {
    const known = this.#flows.get(room)
    if (known !== undefined) return known
    const entriesIn = MESSAGES_IN * (this.#fullHouse / this.#most)
    const flow = {
      messages: this.#bounded(this.#most, MESSAGES_IN),
      presence: this.#bounded(this.#most, MESSAGES_IN),
      entries: this.#bounded(this.#fullHouse, entriesIn),
    }
    this.#flows.set(room, flow)
    return flow
  }

  /** What is more than a room may pass on is allowed once: somebody must be able to speak in a room of any size. */
  #bounded(most: number, ms: number): (count: number) => boolean {
    const asks = limited(most, ms, this.#now)
    return count => asks(Math.min(count, most))
  }
}

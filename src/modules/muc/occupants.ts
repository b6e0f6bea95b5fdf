import type { Jid } from '../../xmpp/jid.ts'
import { nickKey } from './nick.ts'
import type { Occupant, Visit } from './occupant.ts'

/** Who is in a room: by nick, by client, and by person. */
export class Occupants {
  readonly #byNick = new Map<string, Occupant>()
  readonly #byClient = new Map<string, Visit>()
  readonly #byPerson = new Map<string, Set<Occupant>>()

  /** How many there are, whatever the number of their clients. */
  get size(): number {
    return this.#byNick.size
  }

  get clients(): number {
    return this.#byClient.size
  }

  all(): Iterable<Occupant> {
    return this.#byNick.values()
  }

  visits(): Iterable<Visit> {
    return this.#byClient.values()
  }

  /** The one who has that nick, or one that people would take for it. */
  holding(nick: string): Occupant | undefined {
    return this.#byNick.get(nickKey(nick))
  }

  /** The one who has exactly that nick. */
  named(nick: string): Occupant | undefined {
    const occupant = this.holding(nick)
    return occupant?.nick === nick ? occupant : undefined
  }

  /** The client of that full address, if it is in the room. */
  visit(client: Jid): Visit | undefined {
    return this.#byClient.get(String(client))
  }

  /** Of one person: several have different nicks. */
  of(bare: string): Iterable<Occupant> {
    return this.#byPerson.get(bare) ?? []
  }

  /** With how many clients somebody is here, under all his nicks. */
  clientsOf(bare: string): number {
    return Iterator.from(this.of(bare)).reduce((sum, { visits }) => sum + visits.size, 0)
  }

  add(visit: Visit): void {
    const { occupant } = visit
    occupant.visits.set(visit.to, visit)
    this.#byClient.set(visit.to, visit)
    if (occupant.visits.size > 1) return
    this.#byNick.set(nickKey(occupant.nick), occupant)
    const bare = String(occupant.bare)
    const others = this.#byPerson.get(bare)
    if (others === undefined) this.#byPerson.set(bare, new Set([occupant]))
    else others.add(occupant)
  }

  /** With its last client an occupant is gone. */
  remove({ occupant, to }: Visit): void {
    occupant.visits.delete(to)
    occupant.shown = undefined
    this.#byClient.delete(to)
    if (occupant.visits.size > 0) return
    this.#byNick.delete(nickKey(occupant.nick))
    const bare = String(occupant.bare)
    const others = this.#byPerson.get(bare)
    others?.delete(occupant)
    if (others?.size === 0) this.#byPerson.delete(bare)
  }

  /** An occupant takes another nick, which nobody else holds. */
  rename(occupant: Occupant, jid: Jid): void {
    this.#byNick.delete(nickKey(occupant.nick))
    occupant.nick = jid.resource
    occupant.jid = jid
    occupant.shown = undefined
    this.#byNick.set(nickKey(occupant.nick), occupant)
  }
}

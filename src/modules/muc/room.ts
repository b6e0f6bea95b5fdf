import { createHmac } from 'node:crypto'
import { Recent } from '../../lib/recent.ts'
import type { Turn } from '../../lib/turn.ts'
import type { Child, Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may } from './access.ts'
import type { Affiliations } from './affiliations.ts'
import type { RoomConfig } from './config.ts'
import type { Context } from './context.ts'
import { Ghosts } from './ghosts.ts'
import { hatsElement } from './hats.ts'
import { History } from './history.ts'
import { OccupantIds } from './namespaces.ts'
import { Occupant, Visit } from './occupant.ts'
import { Occupants } from './occupants.ts'
import { occupantEntered, occupantLeft } from './points.ts'
import { type Happening, presenceFrom, type StatusCode, shownOf, userElement } from './presence.ts'
import { Relays } from './relays.ts'
import type { Lasting } from './rows.ts'
import { type Face, type Showing, showEach } from './showing.ts'
import { type Affiliation, type Role, type Standing, usualRole } from './standing.ts'

/** The roles of so many are remembered who may have left. */
const MOST_ROLES = 500

/**
 * A room (XEP-0045): an island. All is done in its turn. It knows addresses and what came from there, and reaches everybody by stanzas.
 */
export class Room {
  /** room@service */
  readonly jid: Jid
  readonly turn: Turn
  /** Another one when it was read anew. */
  state: Lasting
  readonly occupants = new Occupants()
  readonly history: History
  readonly relays: Relays
  readonly ghosts: Ghosts
  /** §5.1: by bare address, the role that was given to somebody for this visit. In a moderated room it outlasts that. */
  readonly #roles = new Recent<string, Role>(MOST_ROLES)
  /** §10.1.1: it is made, but nobody may enter before its owner has said how it shall be. */
  isLocked = false
  /** It was destroyed, or the last one has left one that does not stay. */
  isEnded = false
  readonly #context: Context

  constructor(jid: Jid, turn: Turn, state: Lasting, context: Context) {
    this.jid = jid
    this.turn = turn
    this.state = state
    this.history = new History(jid, context.settings.history, context.settings.historyBytes)
    this.relays = new Relays(() => context.clock.now())
    this.ghosts = new Ghosts(this, context)
    this.#context = context
  }

  get config(): RoomConfig {
    return this.state.config
  }

  get affiliations(): Affiliations {
    return this.state.affiliations
  }

  /** What somebody is here: by his client, and from outside by his address. */
  standingOf(who: Jid): Standing {
    const occupant = this.occupants.visit(who)?.occupant
    return { affiliation: this.affiliations.of(who), role: occupant?.role ?? 'none' }
  }

  /** §5.1.2: of somebody who enters. */
  roleFor(who: Jid): Role {
    const usual = usualRole(this.affiliations.of(who), this.config)
    const given = this.config.isModerated && usual !== 'moderator' ? this.#roles.get(String(who.bare)) : undefined
    return given ?? usual
  }

  /** By bare address. */
  roles(): Iterable<readonly [bare: string, role: Role]> {
    return this.#roles.entries()
  }

  /** Undefined: what is usual. */
  rememberRole(bare: string, role: Role | undefined): void {
    if (role === undefined || role === 'moderator') this.#roles.delete(bare)
    else this.#roles.set(bare, role)
  }

  affiliationOf(occupant: Occupant): Affiliation {
    return this.affiliations.of(occupant.bare)
  }

  /** XEP-0421: the same for one person whenever he comes, another one in each room, and nobody learns from it who he is. */
  occupantId(bare: Jid): string {
    return createHmac('sha256', this.state.occupantSecret).update(this.#context.personAt(bare)).digest('base64url')
  }

  /** Whether `viewer` is shown the presence of `occupant` (§16.5.3, presencebroadcast). */
  sees(viewer: Occupant, occupant: Occupant): boolean {
    return viewer === occupant || viewer.role === 'moderator' || may('bePresent', { affiliation: 'none', role: occupant.role }, this.config)
  }

  /** Whether `viewer` learns real addresses. */
  seesAddresses({ role }: Occupant): boolean {
    return this.config.whois === 'anyone' || role === 'moderator'
  }

  /** Hands a stanza that is from `from` to one client. */
  give(stanza: Element, from: Jid, visit: Visit): void {
    this.#context.route(stanza.with({ to: visit.to }), from, visit.jid)
  }

  /** To any address, from the room itself. */
  send(stanza: Element, to: Jid): void {
    this.#context.route(stanza.with({ from: String(this.jid), to: String(to) }), this.jid, to)
  }

  /** The same stanza to every client: what is in it is written once. */
  giveAll(stanza: Element, from: Jid): void | Promise<void> {
    return this.each(visit => this.give(stanza, from, visit))
  }

  /**
   * Something for each client. Others have their turn where these are many, or where much is told in other rooms. Nobody enters or leaves
   * meanwhile, since it is the room's turn.
   */
  each(tell: (visit: Visit) => void): void | Promise<void> {
    return this.#context.slices.each(this.occupants.visits(), this.occupants.clients, tell)
  }

  /** One more client of somebody, under a nick that is his. Nobody has heard of it yet. */
  admit(client: Jid, at: Jid, role: Role, presence: readonly Child[], id = this.occupantId(client.bare)): Visit {
    const { clock, guests, hooks, failed } = this.#context
    const present = this.occupants.holding(at.resource)
    const occupant = present ?? new Occupant(client.bare, OccupantIds('occupant-id', { id }), at, role)
    const visit = new Visit(occupant, client, presence, clock.now())
    occupant.shown = undefined
    occupant.hats = hatsElement(this.state.hats.of(String(client.bare)))
    this.occupants.add(visit)
    guests.entered(client)
    this.ghosts.watch(visit)
    if (present === undefined) void hooks.tell(occupantEntered, { room: this, occupant }, failed)
    return visit
  }

  /** The same after the server has stopped: the others know already. It has until then to be heard of. */
  readmit(client: Jid, at: Jid, role: Role, presence: readonly Child[], goesAt: number, id: string | undefined): void {
    const visit = this.admit(client, at, role, presence, id)
    visit.heardAt = 0
    visit.isDoubtful = true
    if (this.#context.service.isLocal(client.domain)) visit.goesAt = goesAt
    this.ghosts.watch(visit)
  }

  /** A client is gone. Nobody has heard of it yet. */
  dismiss(visit: Visit): void {
    const { guests, hooks, failed } = this.#context
    const { occupant } = visit
    this.occupants.remove(visit)
    guests.left(visit.jid)
    if (occupant.visits.size === 0) void hooks.tell(occupantLeft, { room: this, occupant }, failed)
  }

  /** Shows all who are in the room to one who enters (§7.2.2), but not himself. */
  showOthers(to: Visit): void | Promise<void> {
    const viewer = to.occupant
    const isOpen = this.seesAddresses(viewer)
    const show = (occupant: Occupant): void => {
      if (occupant === viewer || !this.sees(viewer, occupant)) return
      const shown = shownOf(occupant, this.affiliationOf(occupant))
      this.give(isOpen ? shown.open : shown.veiled, occupant.jid, to)
    }
    return this.#context.slices.each(this.occupants.all(), this.occupants.size, show)
  }

  /** Tells all what the occupant is now; each client of his own with the status codes for him. */
  announce(occupant: Occupant, happening: Happening = {}, showing: Showing = {}): void | Promise<void> {
    const { role, latest } = occupant
    const affiliation = this.affiliationOf(occupant)
    const { codes = [], ownCodes = [], ownMav } = happening
    const isPlain = codes.length === 0 && happening.reason === undefined && happening.actor === undefined
    const make = (face: Face, mav: Element | undefined): Element => {
      if (face !== 'own' && isPlain && mav === undefined) return shownOf(occupant, affiliation)[face]
      const isOwn = face === 'own'
      const item = { affiliation, role, jid: face === 'veiled' ? undefined : latest?.to }
      const own: readonly StatusCode[] = isOwn ? [110, ...ownCodes] : []
      const x = userElement(item, { ...happening, mav: isOwn ? (ownMav ?? mav) : mav }, ...own)
      return presenceFrom(occupant, undefined, latest?.presence ?? [], x)
    }
    return showEach(this, occupant, make, showing)
  }

  /**
   * Some clients of one occupant leave, all of them if none is named; `said` is what they say. Others hear of it if these were the
   * last, or that another client's presence counts now.
   */
  leave(occupant: Occupant, happening: Happening = {}, said: readonly Child[] = [], visits?: readonly Visit[]): void | Promise<void> {
    const leaving = visits ?? [...occupant.visits.values()]
    const before = occupant.latest
    const affiliation = this.affiliationOf(occupant)
    const make = (jid: string | undefined, ...own: readonly StatusCode[]): Element => {
      const item = { affiliation, role: 'none', jid, nick: happening.nick } as const
      return presenceFrom(occupant, 'unavailable', said, userElement(item, happening, ...own))
    }
    for (const visit of leaving) {
      this.dismiss(visit)
      this.give(make(visit.to, 110, ...(happening.ownCodes ?? [])), occupant.jid, visit)
    }
    if (occupant.visits.size > 0) return before === occupant.latest ? undefined : this.announce(occupant)
    return showEach(this, occupant, face => make(face === 'veiled' ? undefined : before?.to))
  }

  /** §7.6: what was his nick is gone, and all learn which one he has now. What he is under that is still to be announced. */
  rename(occupant: Occupant, jid: Jid): void | Promise<void> {
    const from = occupant.jid
    const { role, latest } = occupant
    const affiliation = this.affiliationOf(occupant)
    this.occupants.rename(occupant, jid)
    const make = (face: Face): Element => {
      const item = { affiliation, role, jid: face === 'veiled' ? undefined : latest?.to, nick: jid.resource }
      const own: readonly StatusCode[] = face === 'own' ? [110] : []
      return presenceFrom(occupant, 'unavailable', [], userElement(item, { codes: [303] }, ...own)).with({ from: String(from) })
    }
    return showEach(this, occupant, make, { from })
  }

  /** §10.9: everybody hears it for himself alone, and nobody is in the room any more. */
  empty(destroy: Element): void {
    for (const visit of [...this.occupants.visits()]) {
      const x = userElement({ affiliation: 'none', role: 'none' }, { destroy }, 110)
      this.dismiss(visit)
      this.give(presenceFrom(visit.occupant, 'unavailable', [], x), visit.occupant.jid, visit)
    }
  }
}

import type { Child, Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Affiliation, Role } from './standing.ts'

/** One client in a room: it has entered under the nick of its occupant. */
export class Visit {
  readonly occupant: Occupant
  /** The full address of the client. */
  readonly jid: Jid
  /** The same, as stanzas have it. */
  readonly to: string
  /** What it says of itself: `show`, `status`, capabilities; nothing that only the room may say. */
  presence: readonly Child[]
  /** It has entered with the password that the room has now. */
  knowsPassword = false
  /** When it was last heard of, in ms. */
  heardAt: number
  /** When it was last asked whether it is there. */
  pingedAt = 0
  /** Something to it came back: it leaves, unless it says that it is there. */
  isDoubtful = false
  /** It was in the room before the server stopped: it leaves then, unless it was heard of. */
  goesAt: number | undefined

  constructor(occupant: Occupant, jid: Jid, presence: readonly Child[], now: number) {
    this.occupant = occupant
    this.jid = jid
    this.to = String(jid)
    this.presence = presence
    this.heardAt = now
  }

  /** It is there. */
  heard(now: number): void {
    this.heardAt = now
    this.isDoubtful = false
    this.goesAt = undefined
  }
}

/** A presence as two kinds of occupants see it, made once for all of them. */
export interface Shown {
  /** What the occupant was when it was made. */
  readonly affiliation: Affiliation
  readonly role: Role
  /** With the real address. */
  readonly open: Element
  readonly veiled: Element
}

/** Somebody in a room under one nick, with one client or several (XEP-0045 §7.2.8). */
export class Occupant {
  /** Whose it is: a bare address. */
  readonly bare: Jid
  /** XEP-0421. */
  readonly id: Element
  nick: string
  /** The occupant's address: room@service/nick. */
  jid: Jid
  role: Role
  /** XEP-0317. */
  hats: Element | undefined
  /** By full address; the one that was last to say something of its presence is the last. */
  readonly visits = new Map<string, Visit>()
  /** What others are sent when they enter; made anew after what he says or is called has changed. */
  shown: Shown | undefined

  constructor(bare: Jid, id: Element, jid: Jid, role: Role) {
    this.bare = bare
    this.id = id
    this.nick = jid.resource
    this.jid = jid
    this.role = role
  }

  /** The client whose presence others see. There is none once all have left. */
  get latest(): Visit | undefined {
    let last: Visit | undefined
    for (const visit of this.visits.values()) last = visit
    return last
  }

  /** Its presence is the latest now. */
  show(visit: Visit, presence: readonly Child[]): void {
    visit.presence = presence
    this.visits.delete(visit.to)
    this.visits.set(visit.to, visit)
    this.shown = undefined
  }
}

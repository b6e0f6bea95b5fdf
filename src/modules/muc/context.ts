import type { Clock } from '../../core/clock.ts'
import type { Hooks } from '../../core/hooks.ts'
import { IqAnswers } from '../../core/iq-answers.ts'
import type { Host, IqTable, Request } from '../../core/module.ts'
import type { Service } from '../../core/service.ts'
import { Slices } from '../../lib/slices.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { type RoomConfig, USUAL_PRIVATE, USUAL_PUBLIC } from './config.ts'
import { Described } from './disco.ts'
import { Guests } from './guests.ts'
import { Limits } from './limits.ts'
import type { Room } from './room.ts'
import { Rooms, type Venue } from './rooms.ts'
import type { MucSettings } from './settings.ts'

/** After so many stanzas of a room to its occupants, and after so many of all rooms together, all others have their turn. */
const SLICE = 256
const SLICE_OF_ALL = 1024

/** A request to a room, in its turn, of somebody who may know of it. */
export interface RoomRequest extends Request {
  readonly room: Room
  /** What others are told of it: after the answer has gone out, in the same turn. */
  afterwards(tell: () => void | Promise<void>): void
  /** The answer is given later, outside of the turn: nobody but who has asked waits for it. */
  outside(answer: () => Promise<Element>): void
}

/** What all parts of the service have in common. */
export class Context {
  /** Of the service. */
  readonly jid: Jid
  /** Of the host whose service it is. */
  readonly domain: string
  readonly settings: MucSettings
  readonly clock: Clock
  readonly hooks: Hooks
  readonly rooms: Rooms
  readonly guests = new Guests()
  readonly limits: Limits
  readonly slices = new Slices(SLICE, SLICE_OF_ALL)
  readonly answers = new IqAnswers()
  /** Who answers what rooms are asked. */
  readonly iq: IqTable<RoomRequest>
  /** How a new room is. */
  readonly usual: RoomConfig
  /** What parts have to say of rooms, for service discovery. */
  readonly described = new Described()
  readonly service: Service
  /** The server is about to stop: nobody leaves for that. */
  isClosing = false
  readonly failed: (owner: string, error: unknown) => void
  readonly #accounts: Host['accounts']
  readonly #keys: Host['keys']

  constructor({ accounts, boxes, clock, db, domain, hooks, keys, log, settings }: Host<MucSettings>, jid: Jid, service: Service) {
    this.jid = jid
    this.domain = domain
    this.settings = settings
    this.clock = clock
    this.hooks = hooks
    this.limits = new Limits(settings, clock)
    this.iq = this.answers.table('muc', 'host')
    this.usual = settings.newRooms === 'public' ? USUAL_PUBLIC : USUAL_PRIVATE
    this.failed = (_, error) => log.fault('muc.told', error)
    this.service = service
    this.#accounts = accounts
    this.#keys = keys
    this.rooms = new Rooms(this, db, boxes)
  }

  /** Whether somebody may make rooms. */
  mayCreate(who: Jid): boolean {
    return this.settings.create === 'users' && who.domain === this.domain && who.local !== ''
  }

  /** The same person as long as an account is there: who has its name next is another one. Of users of other domains the address alone is known. */
  personAt(bare: Jid): string {
    const account = bare.domain === this.domain ? this.#accounts.get(bare.local) : undefined
    const id = account && this.#keys.of(account)?.id.toString('hex')
    return id === undefined ? String(bare) : `${bare}\0${id}`
  }

  /** Hands a stanza that has these addresses to the router. */
  route(stanza: Element, from: Jid, to: Jid): void {
    this.service.route(stanza, from, to)
  }

  /** Does something of its own accord at a room, in its turn; nothing while the server stops. */
  act(room: Room, work: () => void | Promise<void>): void {
    const venue = this.rooms.at(room.state.name)
    this.#take(venue, () => (venue.room === room && !this.isClosing ? work() : undefined))
  }

  /** The room of that name is in memory, if there is one. */
  wake(venue: Venue): void {
    this.#take(venue, () => {})
  }

  #take(venue: Venue, work: () => void | Promise<void>): void {
    this.service.act(
      venue,
      () => venue.whenLoaded(work),
      error => this.failed('muc', error),
    )
  }
}

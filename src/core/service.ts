import { Turn } from '../lib/turn.ts'
import type { Element } from '../xml/element.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import { result } from '../xmpp/stanza.ts'
import type { Custody } from './custody.ts'
import { then } from './host.ts'
import { IqAnswers, mustBeIq, payloadOf } from './iq-answers.ts'
import type { IqTable, Request } from './module.ts'
import type { Destination, Router } from './router.ts'

/** What a service says to what it is sent beside requests. In its turn. */
export interface ServiceHandlers {
  /** Not for errors. Throws a StanzaError to refuse; without it all messages are. */
  message?(stanza: Element, from: Jid): void | Promise<void>
  /** A message of the service came back. */
  failed?(stanza: Element, from: Jid): void | Promise<void>
  /** What is at addresses with a local part, such as a room. Without it there is nothing. */
  island?(local: string): Island
}

/** What is at an address of a service: an island of its own, with a turn of its own (DESIGN law 6). */
export interface Island {
  readonly turn: Turn
  /** Whatever comes to its address, or to a resource of it. In its turn. Throws a StanzaError to refuse. */
  take(stanza: Element, from: Jid, to: Jid): Rest | Promise<Rest>
}

/** What of it takes longer, and is done outside of the turn: only its sender waits for that. */
export type Rest = void | (() => void | Promise<void>)

/** A service of a host under a domain of its own: an island, as accounts are (DESIGN law 6). */
export class Service implements Destination {
  readonly turn = new Turn()
  readonly #router: Router
  readonly #handlers: ServiceHandlers
  readonly #answers = new IqAnswers()
  readonly #asStanzaError: (thrown: unknown) => StanzaError
  /** Requests to the service itself. */
  readonly iq: IqTable<Request>

  constructor(owner: string, router: Router, handlers: ServiceHandlers, asStanzaError: (thrown: unknown) => StanzaError) {
    this.#router = router
    this.#handlers = handlers
    this.#asStanzaError = asStanzaError
    this.iq = this.#answers.table(owner, 'host')
  }

  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void | Promise<void> {
    return this.#router.attend(stanza, from, to, custody, this.#asStanzaError, () => {
      const island = to.local === '' ? undefined : this.#handlers.island?.(to.local)
      if (island === undefined) return this.turn.take(() => this.#take(stanza, from, to))
      return then(
        island.turn.take(() => island.take(stanza, from, to)),
        rest => rest?.(),
      )
    })
  }

  /** Whether the domain is one of this server. */
  isLocal(domain: string): boolean {
    return this.#router.isLocal(domain)
  }

  /** Hands a stanza that has these addresses to the router: for who sends the same to many, and knows where they are. */
  route(stanza: Element, from: Jid, to: Jid): void {
    void this.#router.route(stanza, from, to)
  }

  /** What of its own accord is done at an island, such as when a time is over. In its turn; the server does not stop before it is done. */
  act(island: Island, work: () => void | Promise<void>, failed: (error: unknown) => void): void {
    try {
      const pending = island.turn.take(work)
      if (pending instanceof Promise) this.#router.track(pending.catch(failed))
    } catch (error) {
      failed(error)
    }
  }

  #take(stanza: Element, from: Jid, to: Jid): void | Promise<void> {
    const { type } = stanza.attrs
    const isHere = to.local === '' && to.resource === ''
    if (stanza.name === 'message' && type === 'error') return this.#handlers.failed?.(stanza, from)
    if (stanza.name === 'message') {
      if (!isHere || this.#handlers.message === undefined) throw new StanzaError('service-unavailable')
      return this.#handlers.message(stanza, from)
    }
    if (stanza.name !== 'iq') return
    mustBeIq(stanza)
    if (type !== 'get' && type !== 'set') return
    if (!isHere) throw new StanzaError('service-unavailable')
    const answer = this.#answers.answer('host', { from, to, payload: payloadOf(stanza), iq: stanza })
    return then(answer, payload => void this.#router.route(result(stanza, payload ?? undefined), to, from))
  }
}

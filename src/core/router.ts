import type { Element } from '../xml/element.ts'
import { StanzaError } from '../xmpp/error.ts'
import { Jid } from '../xmpp/jid.ts'
import { errorTo } from '../xmpp/stanza.ts'
import type { Custody } from './custody.ts'

/** Where stanzas to one domain go. */
export interface Destination {
  /**
   * Never throws: what cannot be delivered is answered with an error stanza through the router. A promise is done when the
   * stanza has been dealt with: who hands in many waits for some of them, or they would pile up in memory.
   */
  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void | Promise<void>
}

/** Finds the way from one island to another: by the domain of the address (RFC 6120 §10). */
export class Router {
  /** Where stanzas to all other domains go; without it there are none. */
  foreign: Destination | undefined
  readonly #local = new Map<string, Destination>()
  #underWay = 0
  #whenIdle: (() => void)[] = []

  /** Throws where stanzas to that domain go already. */
  add(domain: string, destination: Destination): void {
    if (this.#local.has(domain)) throw new Error(`${domain} is served already`)
    this.#local.set(domain, destination)
  }

  get domains(): Iterable<string> {
    return this.#local.keys()
  }

  /** Whether the domain is one of this server. */
  isLocal(domain: string): boolean {
    return this.#local.has(domain)
  }

  /** What `Destination.deliver` promises. */
  route(stanza: Element, from: Jid, to: Jid, custody?: Custody): void | Promise<void> {
    const destination = this.#local.get(to.domain) ?? this.foreign
    if (destination !== undefined) return destination.deliver(stanza, from, to, custody)
    this.refuse(stanza, from, to, new StanzaError('remote-server-not-found'))
  }

  /** The one place where what was thrown becomes what is sent (RFC 6120 §8.3.1). Errors and results are never answered. */
  refuse(stanza: Element, from: Jid, to: Jid, error: StanzaError): void {
    const { type } = stanza.attrs
    if (type === 'error' || type === 'result') return
    const answer = errorTo(stanza, error.toElement(), error.payload)
    void this.route(answer.with({ from: String(to), to: String(from) }), to, from)
  }

  /** Does what is to be done with a stanza: answers what fails, and answers for the message until all is done for it. */
  attend(
    stanza: Element,
    from: Jid,
    to: Jid,
    custody: Custody | undefined,
    asStanzaError: (thrown: unknown) => StanzaError,
    work: () => void | Promise<void>,
  ): void | Promise<void> {
    custody?.hold()
    const refuse = (thrown: unknown): void => this.refuse(stanza, from, to, asStanzaError(thrown))
    try {
      const pending = work()
      if (pending instanceof Promise) {
        const attended = pending.catch(refuse).finally(() => custody?.release())
        this.track(attended)
        return attended
      }
    } catch (thrown) {
      refuse(thrown)
    }
    custody?.release()
  }

  /** Counts work that has not ended, so that `idle` knows when all is done. */
  track(work: Promise<unknown>): void {
    this.#underWay++
    const done = (): void => {
      if (--this.#underWay > 0 || this.#whenIdle.length === 0) return
      const waiting = this.#whenIdle
      this.#whenIdle = []
      for (const resolve of waiting) resolve()
    }
    work.then(done, done)
  }

  /** Done when nothing is under way in any account or host. */
  async idle(): Promise<void> {
    do {
      if (this.#underWay > 0) await new Promise<void>(resolve => this.#whenIdle.push(resolve))
      await new Promise<void>(resolve => setImmediate(resolve))
    } while (this.#underWay > 0)
  }
}

/** The sender's and the recipient's address of a stanza that is complete. */
export const addresses = (stanza: Element): { from: Jid; to: Jid } => ({
  from: Jid.parse(stanza.attrs['from'] ?? ''),
  to: Jid.parse(stanza.attrs['to'] ?? ''),
})

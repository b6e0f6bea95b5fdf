import type { Element, Namespace } from '../xml/element.ts'
import type { Session } from './session.ts'

/** A client's stream that is not bound to a session yet. Modules keep what they know about it in a `WeakMap` keyed by it. */
export interface UnboundStream {
  readonly isSecure: boolean
  /** The account's name after authentication, before resource binding. */
  readonly account: string | undefined
  /**
   * Takes one of the few tries that a stream and its network are given for what can be guessed; false: too many. If the
   * request under way is refused, the try has failed, and counts against the network.
   */
  attempt(): boolean
}

/** What a stream is offered. One that is the same for many streams should be one element: it is serialised once. */
export type Offer = (stream: UnboundStream) => Element | undefined
/** A first-level element that is no stanza, from a bound session (XEP-0198 calls it nonza). */
export type NonzaHandler = (session: Session, nonza: Element) => void
/** Does at binding what the client asked for inside `<bind/>`; what it returns goes into `<bound/>` (XEP-0386 §5). */
export type BindInline = (session: Session, request: Element) => Element | void

/** Where modules take part in the stream: features, nonzas, inline requests of Bind 2. */
export class StreamRegistry {
  readonly unauthenticated: Offer[] = []
  readonly authenticated: Offer[] = []
  /** What a client that binds with Bind 2 is told without having asked (XEP-0386 §3.3). In the account's turn, with all it asked for done. */
  readonly bound: ((session: Session) => Promise<Element | undefined>)[] = []
  readonly #nonzas = new Map<string, NonzaHandler>()
  readonly #inline = new Map<string, { feature: string; handle: BindInline }>()

  /** A stream feature before or after authentication (RFC 6120 §4.3.2): the same for all streams, or asked for with each. */
  feature(when: 'unauthenticated' | 'authenticated', feature: Element | Offer): void {
    this[when].push(typeof feature === 'function' ? feature : () => feature)
  }

  nonza<Name extends string>(ns: Namespace<Name>, name: Name, handler: NonzaHandler): void {
    this.#nonzas.set(`${ns.uri} ${name}`, handler)
  }

  nonzaHandler(element: Element): NonzaHandler | undefined {
    return this.#nonzas.get(`${element.ns} ${element.name}`)
  }

  inline<Name extends string>(ns: Namespace<Name>, name: Name, handle: BindInline): void {
    this.#inline.set(`${ns.uri} ${name}`, { feature: ns.uri, handle })
  }

  inlineHandler(element: Element): BindInline | undefined {
    return this.#inline.get(`${element.ns} ${element.name}`)?.handle
  }

  /** The namespaces to announce in Bind 2's `<inline/>`. */
  inlineFeatures(): string[] {
    return [...new Set([...this.#inline.values()].map(entry => entry.feature))]
  }
}

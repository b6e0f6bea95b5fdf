import { payloadOf } from '../../core/iq-answers.ts'
import type { Offer, UnboundStream } from '../../core/stream-registry.ts'
import { type ChannelBinding, endPointHash } from '../../sasl/channel-binding.ts'
import type { Element } from '../../xml/element.ts'
import type { StanzaError } from '../../xmpp/error.ts'
import { StreamError } from '../../xmpp/error.ts'
import { errorTo, result } from '../../xmpp/stanza.ts'
import { Bind, OldSession, Sasl, Sasl2, Sm, Stanzas, Tls } from '../namespaces.ts'
import { type Announcement, announcementFor, featuresElement } from './announcement.ts'
import { Authentication } from './authentication.ts'
import { bindResource, resumeStream } from './binding.ts'
import type { Connection } from './connection.ts'

/** Tries per stream for what can be guessed: passwords, tokens (RFC 6120 §6.4.5). */
const TRIES = 5

const START_TLS = [Tls('starttls', {}, Tls('required'))]
const BINDING = [Bind('bind'), OldSession('session', {}, OldSession('optional'))]
const MANAGEMENT = [Sm('sm')]

/** What a client and the server settle before stanzas flow: TLS, authentication, resource binding (RFC 6120 §4.3). */
export class Negotiation implements UnboundStream {
  readonly connection: Connection
  /** The authenticated account's name. */
  account: string | undefined
  #authentication: Authentication | undefined
  #tries = TRIES
  /** The request under way is one of the tries. */
  #isTry = false

  constructor(connection: Connection) {
    this.connection = connection
  }

  get isSecure(): boolean {
    return this.connection.socket.isSecure
  }

  get isAuthenticating(): boolean {
    return this.#authentication?.isBusy === true
  }

  attempt(): boolean {
    this.#isTry = --this.#tries >= 0 && this.connection.streams.pace.mayTry(this.connection.socket.peer)
    return this.#isTry
  }

  /** What the client may do next, made for the state that the stream is in; `bound` answers what was asked for inline (XEP-0386). */
  features(bound?: Element): Element {
    const { host } = this.connection.served!
    if (!this.isSecure) return featuresElement(host, START_TLS)
    const { unauthenticated, authenticated } = host.stream
    if (this.account === undefined) return featuresElement(host, [...this.announcement.features, ...this.#offered(unauthenticated)])
    const binding = bound === undefined ? BINDING : []
    // A client that is offered it once more may try to resume what it has just begun.
    const management = bound?.child(Sm, 'enabled') === undefined ? MANAGEMENT : []
    return featuresElement(host, [...binding, ...management, ...this.#offered(authenticated)])
  }

  #offered(offers: readonly Offer[]): Element[] {
    return offers.map(offer => offer(this)).filter(feature => feature !== undefined)
  }

  /** Takes one first-level element before a resource is bound. */
  take(element: Element): void | Promise<void> {
    if (!this.isSecure) {
      if (element.is(Tls, 'starttls') && this.connection.socket.startTls !== undefined) return this.#startTls()
      throw new StreamError('policy-violation', 'TLS comes first')
    }
    if (this.account === undefined) return this.#beforeAuthentication(element)
    if (element.ns === Sm.uri) return this.#stream(element)
    if (element.ns === 'jabber:client' && element.name === 'iq') return this.#bindingRequest(element)
    throw new StreamError('not-authorized', 'bind a resource first')
  }

  abandon(): void {
    this.#authentication?.leave()
  }

  get binding(): ChannelBinding {
    const { tls, kind } = this.connection.socket
    // Browsers cannot see TLS, and clients that choose a mechanism with -PLUS there all the same would be refused.
    if (tls === undefined || kind === 'websocket') return {}
    return { tlsVersion: tls.version, exporter: () => tls.exporter(), endPoint: () => endPointHash(tls.endPoint()) }
  }

  /** What this stream announces: the same for all that came the same way. */
  get announcement(): Announcement {
    return announcementFor(this.connection.served!.host, this.binding, this.connection.streams.settings.mechanisms)
  }

  #startTls(): void {
    this.connection.sendElement(Tls('proceed'))
    this.connection.startTls()
  }

  #beforeAuthentication(element: Element): void | Promise<void> {
    if (element.ns === Sasl.uri || element.ns === Sasl2.uri) {
      this.#authentication ??= new Authentication(this)
      return this.#authentication.take(element)
    }
    if (element.ns === 'jabber:client' && element.name === 'iq' && this.#authentication?.isUnderWay !== true) return this.#request(element)
    throw new StreamError('not-authorized')
  }

  /** A request that modules answer before login: registration (XEP-0077), the token of an invitation (XEP-0445). */
  async #request(iq: Element): Promise<void> {
    const { host } = this.connection.served!
    const type = iq.attrs['type']
    const payload = iq.first()
    if ((type !== 'get' && type !== 'set') || payload === undefined || !host.answers.has('stream', type, payload)) {
      throw new StreamError('not-authorized')
    }
    this.#isTry = false
    try {
      const answer = await host.answers.answer('stream', { stream: this, payload: payloadOf(iq), iq })
      this.connection.sendElement(result(iq.with({ to: host.domain, from: undefined }), answer ?? undefined))
    } catch (error) {
      const stanzaError = host.asStanzaError(error)
      if (this.#isTry) await this.#tryFailed(stanzaError)
      this.connection.sendElement(errorTo(iq.with({ to: host.domain, from: undefined }), stanzaError.toElement()))
    }
  }

  /** A token that is none, a name that is taken: the network is slowed down as for wrong passwords (RFC 6120 §13.12). */
  async #tryFailed({ type, condition }: StanzaError): Promise<void> {
    if (type === 'wait' || condition === 'internal-server-error') return // this says nothing of what was tried
    const { socket, streams, isClosed } = this.connection
    const ms = streams.pace.failed(socket.peer, undefined)
    if (ms > 0 && !isClosed && !(await streams.pace.wait(ms, socket.peer, undefined)))
      throw new StreamError('resource-constraint', 'too many wait')
  }

  async #stream(element: Element): Promise<void> {
    if (element.name !== 'resume') {
      this.connection.sendElement(Sm('failed', {}, Stanzas('unexpected-request')))
      return
    }
    await resumeStream(this.connection, this.account!, element, resumed => this.connection.sendElement(resumed))
  }

  async #bindingRequest(iq: Element): Promise<void> {
    const payload = iq.attrs['type'] === 'set' ? iq.child(Bind, 'bind') : undefined
    const { host } = this.connection.served!
    const request = iq.with({ from: undefined, to: undefined })
    if (payload === undefined) throw new StreamError('not-authorized', 'bind a resource first')
    try {
      const session = await bindResource(this.connection, this.account!, payload.child(Bind, 'resource')?.text)
      this.connection.sendElement(result(request, Bind('bind', {}, Bind('jid', {}, String(session.jid)))))
    } catch (error) {
      if (error instanceof StreamError) throw error
      this.connection.sendElement(errorTo(request, host.asStanzaError(error).toElement()))
    }
  }
}

import type { Element } from '../../xml/element.ts'
import { StreamError } from '../../xmpp/error.ts'
import { readDomain } from '../address.ts'
import { Etherx, Sasl, Sm, Tls } from '../namespaces.ts'
import type { Link, Negotiation } from './link.ts'
import { Bidi, BidiFeature, DialbackFeature } from './namespaces.ts'

type Step = 'header' | 'features' | 'proceed' | 'external' | 'negotiated'

/** We have connected to a server, in the name of one of our domains (RFC 6120 §5 and §6, XEP-0178 §3, XEP-0220 §2.1). */
export class OutgoingNegotiation implements Negotiation {
  readonly #link: Link
  #step: Step = 'header'
  /** Our domain has been proved by EXTERNAL: what comes next is the last header. */
  #isExternal = false
  /** Acknowledgements: whether they are offered, asked for, and answered (XEP-0198 §3). */
  #management: 'none' | 'offered' | 'asked' = 'none'
  /** The other side says so (XEP-0220 §2.4.2): then further pairs may be asked for on this connection. */
  #offersDialback = false

  constructor(link: Link, local: string, remote: string) {
    this.#link = link
    link.local = local
    link.remote = remote
    if (link.socket.kind === 'tcp') this.#open()
  }

  /** Of direct TLS as of STARTTLS: the certificate comes first, and only whom we believe we are talking to hears who we are. */
  async onSecured(): Promise<void> {
    const link = this.#link
    const verdict = await link.federation.judge(link, link.remote)
    if (link.isClosed) return
    if (!verdict.isBelieved) return link.giveUp(verdict.why)
    link.belief = verdict.by
    this.#open()
  }

  #open(): void {
    this.#step = 'header'
    this.#link.sendHeader(false)
  }

  onHeader({ attrs }: Element): void {
    const link = this.#link
    if (this.#step !== 'header') throw new StreamError('policy-violation')
    if (attrs['from'] !== undefined && readDomain(attrs['from']) !== link.remote) throw new StreamError('invalid-from')
    if (!(Number.parseInt(attrs['version'] ?? '0', 10) >= 1)) throw new StreamError('unsupported-version')
    link.streamId = attrs['id'] ?? ''
    this.#step = 'features'
  }

  take(element: Element): void {
    if (element.is(Etherx, 'features') && this.#step === 'features') {
      if (this.#link.socket.isSecure) this.#negotiate(element)
      else this.#askForTls(element)
    } else if (this.#step === 'proceed' && element.ns === Tls.uri) this.#startTls(element)
    else if (this.#step === 'external' && element.ns === Sasl.uri) this.#external(element)
    else if (this.#management === 'asked' && element.ns === Sm.uri) this.#managed(element)
    else throw new StreamError('unsupported-stanza-type')
  }

  #askForTls(features: Element): void {
    if (features.child(Tls, 'starttls') === undefined) this.#link.end('it offers no TLS')
    else {
      this.#step = 'proceed'
      this.#link.sendElement(Tls('starttls'))
    }
  }

  #startTls(answer: Element): void {
    if (answer.is(Tls, 'proceed')) this.#link.startTls()
    else this.#link.end('the TLS handshake failed')
  }

  /** Behind TLS: acknowledgements and both directions where they are offered; EXTERNAL before dialback, for it takes one connection. */
  #negotiate(features: Element): void {
    const link = this.#link
    const { mechanisms } = link.federation.settings
    if (features.child(Sm, 'sm') !== undefined) this.#management = 'offered'
    this.#offersDialback = mechanisms.dialback && features.child(DialbackFeature, 'dialback') !== undefined
    if (!this.#isExternal && features.child(BidiFeature, 'bidi') !== undefined && link.belief !== 'exception') {
      link.isBidi = true
      link.sendElement(Bidi('bidi'))
    }
    const offered = features.child(Sasl, 'mechanisms')?.all(Sasl, 'mechanism') ?? []
    if (this.#isExternal || !mechanisms.external || !offered.some(({ text }) => text === 'EXTERNAL')) this.#negotiated()
    else {
      this.#step = 'external'
      link.sendElement(Sasl('auth', { mechanism: 'EXTERNAL' }, Buffer.from(link.local).toString('base64')))
    }
  }

  #external(element: Element): void {
    const link = this.#link
    if (element.is(Sasl, 'challenge')) link.sendElement(Sasl('response', {}, '='))
    else if (element.is(Sasl, 'success')) {
      this.#isExternal = true
      link.restart()
      this.#open()
    } else this.#negotiated()
  }

  /** All that dialback needs is there; with EXTERNAL our domain is proved already. */
  #negotiated(): void {
    const link = this.#link
    const peer = link.federation.peer(link.remote)
    this.#step = 'negotiated'
    if (this.#isExternal) {
      if (link.isBidi) link.mayReceiveFrom(link.remote, link.local)
      link.maySendFrom(link.local, link.remote)
    }
    if (this.#isExternal || link.federation.settings.mechanisms.dialback) peer.secured(link, this.#offersDialback)
    else link.end('there is no way to prove our domain that both sides know')
  }

  /** XEP-0198 §3: what is sent from here on counts; what is received, once the other side has agreed. */
  beforeStanzas(go: () => void): void {
    if (this.#management === 'offered') {
      this.#management = 'asked'
      this.#link.sendElement(Sm('enable'))
      this.#link.management.countSent()
    }
    go()
  }

  #managed(element: Element): void {
    this.#management = 'none'
    const link = this.#link
    if (element.is(Sm, 'enabled')) link.management.countReceived()
    else {
      link.management.countNothing()
      for (const peer of link.peers) peer.relieved()
    }
  }
}

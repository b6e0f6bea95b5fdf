import { readBase64 } from '../../sasl/base64.ts'
import type { Element } from '../../xml/element.ts'
import { StreamError } from '../../xmpp/error.ts'
import { readDomain } from '../address.ts'
import { Etherx, Sasl, Sm, Stanzas, Tls } from '../namespaces.ts'
import type { Link, Negotiation } from './link.ts'
import { Bidi, BidiFeature, DialbackFeature } from './namespaces.ts'

/** Tries to authenticate on one connection. */
const MOST_FAILURES = 5
/** How long we wait for `<enable/>` at most before we send stanzas: what went before it would never be acknowledged, ms. */
const ENABLE_WITHIN = 2_000

/** A server has connected to us: TLS, then the proof of its domain by certificate (XEP-0178) or by dialback (XEP-0220). */
export class IncomingNegotiation implements Negotiation {
  readonly #link: Link
  #failures = 0
  /** EXTERNAL is offered: the certificate is believed for `link.remote`. */
  #mayBeExternal = false
  /** The client's empty response is awaited (RFC 6120 §6.4.3). */
  #isChallenged = false
  /** It has proved its domain by EXTERNAL; its next header must say the same. */
  #isExternal = false
  /** What waits until it is settled whether stanzas are acknowledged; undefined once it is. */
  #held: (() => void)[] | undefined = []

  constructor(link: Link) {
    this.#link = link
  }

  onSecured(): void {
    this.#link.belief = undefined
  }

  async onHeader({ attrs }: Element): Promise<void> {
    const link = this.#link
    const { federation, socket } = link
    const target = readDomain(attrs['to'])
    const isServed = target !== undefined && federation.isOpen(target)
    const [local, remote] = [link.local, link.remote]
    link.local = isServed ? target : federation.anyDomain
    const sender = readDomain(attrs['from'])
    link.remote = sender ?? ''
    link.sendHeader(true)
    if (!isServed) throw new StreamError('host-unknown')
    if (!(Number.parseInt(attrs['version'] ?? '0', 10) >= 1)) throw new StreamError('unsupported-version')
    if (attrs['from'] !== undefined && sender === undefined) throw new StreamError('improper-addressing')
    // Whoever has proved a domain keeps it; to start anew as another one would be to borrow its proof.
    if (this.#isExternal && (sender !== remote || target !== local)) throw new StreamError('invalid-from')
    if (sender !== undefined && federation.isLocal(sender)) throw new StreamError('invalid-from')
    if (sender !== undefined && !federation.settings.isAllowed(sender)) throw new StreamError('policy-violation')
    if (socket.isSecure && !this.#isExternal && sender !== undefined) await this.#look(sender)
    if (link.isClosed) return
    link.sendStreamElement(this.#features())
    if (this.#isExternal && link.isBidi) link.maySendFrom(link.local, link.remote)
  }

  /** Whether the certificate that came with TLS is one for the domain. */
  async #look(sender: string): Promise<void> {
    const link = this.#link
    const { mechanisms } = link.federation.settings
    const verdict = mechanisms.external ? await link.federation.judge(link, sender) : undefined
    link.belief = verdict?.isBelieved ? verdict.by : undefined
    // Whoever is believed without a certificate could be anybody who connects: he has to be found where his domain is.
    this.#mayBeExternal = verdict?.isBelieved === true && verdict.by !== 'exception'
    if (!this.#mayBeExternal && !mechanisms.dialback) throw new StreamError('not-authorized', 'your certificate is not believed')
  }

  #features(): Element {
    const { socket, federation, isBidi, management } = this.#link
    // XEP-0288 §2.2: both directions are asked for before anything is proved.
    const bidi = isBidi || this.#isExternal ? [] : [BidiFeature('bidi')]
    if (!socket.isSecure) return Etherx('features', {}, Tls('starttls', {}, Tls('required')), ...bidi)
    const external = this.#mayBeExternal ? [Sasl('mechanisms', {}, Sasl('mechanism', {}, 'EXTERNAL'))] : []
    const dialback = federation.settings.mechanisms.dialback ? [DialbackFeature('dialback', {}, DialbackFeature('errors'))] : []
    return Etherx('features', {}, ...external, ...dialback, ...bidi, ...(management.isOn ? [] : [Sm('sm')]))
  }

  take(element: Element): void {
    const link = this.#link
    if (!link.socket.isSecure) this.#startTls(element)
    else if (element.is(Sasl, 'auth')) this.#authenticate(element)
    else if (element.is(Sasl, 'response') && this.#isChallenged) this.#respond(element.text)
    else if (element.is(Sasl, 'abort')) this.#refuse('aborted')
    else if (element.is(Bidi, 'bidi') && !link.isAuthenticated) link.isBidi = true
    else if (element.ns === Sm.uri) this.#manage(element.name)
    else throw new StreamError(link.isAuthenticated ? 'unsupported-stanza-type' : 'not-authorized')
  }

  #startTls(element: Element): void {
    if (!element.is(Tls, 'starttls')) throw new StreamError('policy-violation', 'TLS comes first')
    this.#link.sendElement(Tls('proceed'))
    this.#link.startTls()
  }

  #authenticate(auth: Element): void {
    if (!this.#mayBeExternal || auth.attrs['mechanism'] !== 'EXTERNAL') this.#refuse('invalid-mechanism')
    else if (auth.text.trim() !== '') this.#respond(auth.text)
    else {
      this.#isChallenged = true
      this.#link.sendElement(Sasl('challenge'))
    }
  }

  /** XEP-0178 §3: the identity that is asked for, if one is, must be the domain that the stream is from. */
  #respond(text: string): void {
    const link = this.#link
    this.#isChallenged = false
    const trimmed = text.trim()
    const bytes = trimmed === '=' || trimmed === '' ? Buffer.alloc(0) : readBase64(Buffer.from(trimmed, 'latin1'))
    if (bytes === undefined) this.#refuse('incorrect-encoding')
    else if (bytes.length > 0 && readDomain(bytes.toString()) !== link.remote) this.#refuse('invalid-authzid')
    else {
      this.#isExternal = true
      this.#mayBeExternal = false
      link.sendElement(Sasl('success'))
      link.restart()
      link.hasProved(link.remote)
    }
  }

  /** RFC 6120 §6.4.5: who fails again and again is sent away. */
  #refuse(condition: string): void {
    this.#isChallenged = false
    this.#link.sendElement(Sasl('failure', {}, Sasl(condition)))
    if (++this.#failures >= MOST_FAILURES) throw new StreamError('policy-violation', 'too many failures')
  }

  /** The other side asks for acknowledgements when it learns that stanzas may come, or never. */
  beforeStanzas(go: () => void): void {
    if (this.#held === undefined) go()
    else if (this.#held.push(go) === 1) this.#link.federation.clock.after(ENABLE_WITHIN, () => this.#settled())
  }

  /** What it has begun to send is not acknowledged: it does not ask for that. */
  onStanza(): void {
    if (this.#held !== undefined) this.#settled()
  }

  #settled(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const go of held) go()
  }

  /** XEP-0198 §3, without resumption. */
  #manage(name: string): void {
    const link = this.#link
    if (name === 'enable' && link.isAuthenticated && !link.management.isOn) {
      link.sendElement(Sm('enabled'))
      link.management.countSent()
      link.management.countReceived()
      this.#settled()
    } else if (name === 'enable' || name === 'resume') link.sendElement(Sm('failed', {}, Stanzas('unexpected-request')))
    else throw new StreamError('unsupported-stanza-type')
  }
}

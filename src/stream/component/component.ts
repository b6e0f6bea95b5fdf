import type { Custody } from '../../core/custody.ts'
import type { Destination, Router } from '../../core/router.ts'
import type { Element } from '../../xml/element.ts'
import { type Condition, StanzaError, StreamError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { readAddress } from '../address.ts'
import type { ComponentConnection } from './connection.ts'

/** A domain behind which stands a program of its own (XEP-0114), and the way to that program while it is connected. */
export class Component implements Destination {
  readonly jid: Jid
  readonly secret: string
  readonly #router: Router
  #connection: ComponentConnection | undefined

  /** The domain is prepared and checked like one of an address. */
  constructor(domain: string, secret: string, router: Router) {
    this.jid = Jid.of('', domain)
    this.secret = secret
    this.#router = router
  }

  /**
   * A connection has shown the secret; false if another one is alive. Programs connect again at once when their place is taken:
   * if newcomers always took it, two that were started by mistake would do so in turns, thousands of times a minute. If they
   * never did, a connection that broke without a word would lock the program out until that is noticed.
   */
  admit(connection: ComponentConnection): boolean {
    const former = this.#connection
    if (former?.isAlive) {
      former.poke()
      return false
    }
    this.#connection = connection
    former?.close(new StreamError('conflict'))
    return true
  }

  left(connection: ComponentConnection): void {
    if (this.#connection === connection) this.#connection = undefined
  }

  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void {
    const trouble = this.#send(stanza)
    // Components acknowledge nothing: more than that it was sent cannot be known.
    if (trouble === undefined) custody?.safe()
    else this.#router.refuse(stanza, from, to, new StanzaError(trouble))
  }

  /** What is in the way, if something is. */
  #send(stanza: Element): Condition | undefined {
    // RFC 6120 §8.3.3.17: the service is known, but there is no way to it now; the sender may try again later.
    if (this.#connection === undefined) return 'remote-server-timeout'
    return this.#connection.send(stanza) ? undefined : 'resource-constraint'
  }

  /** Passes on what its program sends; a promise is done when that has been dealt with. Throws a StreamError for wrong addresses. */
  receive(element: Element): void | Promise<void> {
    const { from, to } = element.attrs
    if (!from || !to) throw new StreamError('improper-addressing')
    const sender = readAddress(from)
    if (sender?.domain !== this.jid.domain) throw new StreamError('invalid-from')
    const recipient = readAddress(to)
    // What a user of a gateway types there must not end the gateway for all: this is no matter of the stream.
    if (recipient === undefined) return this.#router.refuse(element, sender, this.jid, new StanzaError('jid-malformed'))
    const isPrepared = from === sender.toString() && to === recipient.toString()
    const stanza = isPrepared ? element : element.with({ from: sender.toString(), to: recipient.toString() })
    return this.#router.route(stanza, sender, recipient)
  }
}

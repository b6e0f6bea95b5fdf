import type { Custody } from '../../core/custody.ts'
import type { Destination, Router } from '../../core/router.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError, StreamError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
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

  get isConnected(): boolean {
    return this.#connection !== undefined
  }

  /**
   * Its program has connected and has shown the secret. A former connection is ended, as a former session of a resource is
   * (RFC 6120 §7.7.2.2): mostly it broke without a word, and to refuse the newcomer would lock the program out until that is seen.
   */
  connected(connection: ComponentConnection): void {
    const former = this.#connection
    this.#connection = connection
    former?.close(new StreamError('conflict'))
  }

  left(connection: ComponentConnection): void {
    if (this.#connection === connection) this.#connection = undefined
  }

  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void {
    // RFC 6120 §8.3.3.17: the service is known, but there is no way to it now; the sender may try again later.
    if (this.#connection === undefined) this.#router.refuse(stanza, from, to, new StanzaError('remote-server-timeout'))
    else if (this.#connection.send(stanza))
      custody?.safe() // components acknowledge nothing: more cannot be known
    else this.#router.refuse(stanza, from, to, new StanzaError('resource-constraint'))
  }

  /** Passes on what its program sends; a promise is done when that has been dealt with. Throws a StreamError for wrong addresses. */
  receive(element: Element): void | Promise<void> {
    const { from, to } = element.attrs
    if (!from || !to) throw new StreamError('improper-addressing')
    const sender = parsed(from)
    if (sender?.domain !== this.jid.domain) throw new StreamError('invalid-from')
    const recipient = parsed(to)
    // What a user of a gateway types there must not end the gateway for all: this is no matter of the stream.
    if (recipient === undefined) return this.#router.refuse(element, sender, this.jid, new StanzaError('jid-malformed'))
    const isPrepared = from === sender.toString() && to === recipient.toString()
    const stanza = isPrepared ? element : element.with({ from: sender.toString(), to: recipient.toString() })
    return this.#router.route(stanza, sender, recipient)
  }
}

function parsed(address: string): Jid | undefined {
  try {
    return Jid.parse(address)
  } catch {
    return undefined
  }
}

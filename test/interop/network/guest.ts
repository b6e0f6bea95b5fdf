import { type Element, escapeAttribute, escapeText } from '../../../src/xml/element.ts'
import { Client, type Login } from '../../faults/client.ts'
import { within } from '../server.ts'

const PATIENCE = 20_000

/** Attributes that a stanza must have, or must not where they are undefined, and its body. A bare address stands for each of its resources. */
export interface Facts {
  readonly from?: string
  readonly type?: string | undefined
  readonly id?: string
  readonly body?: string
}

/** A client of one of the members. It keeps what it got until that is asked for, or is of no more interest. */
export class Guest implements AsyncDisposable {
  /** Bare. */
  readonly address: string
  readonly #client: Client
  readonly #inbox: Element[] = []
  #changed = Promise.withResolvers<void>()

  private constructor(client: Client, address: string) {
    this.#client = client
    this.address = address
    client.onStanza = stanza => this.#take(stanza)
  }

  /** Logged in and available. */
  static async online(login: Login): Promise<Guest> {
    const guest = new Guest(await Client.login(login), `${login.name}@${login.domain}`)
    await guest.#client.bind('desk')
    // RFC 6121 §2.2: who has asked for the roster is interested in requests and approvals.
    await guest.asks('get', '<query xmlns="jabber:iq:roster"/>')
    guest.send('<presence/>')
    // RFC 6121 §4.2.2: a session hears its own presence, and is available then.
    await guest.hears('presence', { from: guest.#client.jid, type: undefined })
    return guest
  }

  send(xml: string): void {
    this.#client.send(xml)
  }

  say(to: string, body: string, id?: string): void {
    const named = id === undefined ? '' : ` id="${escapeAttribute(id)}"`
    this.send(`<message type="chat" to="${escapeAttribute(to)}"${named}><body>${escapeText(body)}</body></message>`)
  }

  presence(to: string, type: string): void {
    this.send(`<presence to="${escapeAttribute(to)}" type="${type}"/>`)
  }

  /** Asks to see that one's presence, who says yes (RFC 6121 §3.1). */
  async subscribesTo(other: Guest): Promise<void> {
    this.presence(other.address, 'subscribe')
    await other.hears('presence', { type: 'subscribe', from: this.address })
    other.presence(this.address, 'subscribed')
    await this.hears('presence', { type: 'subscribed', from: other.address })
  }

  /** The payload of the answer. Throws an Error with the condition, where that is an error. */
  async asks(type: 'get' | 'set', payload: string, to?: string): Promise<Element | undefined> {
    const answer = await this.#client.asks(type, payload, to)
    if (answer.attrs['type'] === 'result') return answer.first()
    throw new Error(conditionOf(answer))
  }

  /** Waits for a stanza with these facts, and takes it. What came before it has been overlooked. */
  async hears(name: 'message' | 'presence', facts: Facts): Promise<Element> {
    const isMeant = (stanza: Element): boolean =>
      stanza.name === name && Object.entries(facts).every(([fact, value]) => has(stanza, fact, value))
    return within(PATIENCE, this.#find(isMeant), `${name} ${JSON.stringify(facts)} for ${this.address}`).catch(error => {
      throw new Error(`${error.message}; it has ${this.#inbox.join(' ').slice(0, 2000)}`)
    })
  }

  /** The bodies of messages from there, until one with this body: it is sent last, so there were no more. */
  async bodiesUntil(last: string, from: string): Promise<string[]> {
    const bodies: string[] = []
    for (;;) {
      const body = bodyOf(await this.hears('message', { from, type: 'chat' }))
      if (body === last) return bodies
      bodies.push(body!)
    }
  }

  /** Says goodbye. */
  leave(): Promise<void> {
    return this.#client.leave()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#client.isClosed) await this.leave()
  }

  #take(stanza: Element): void {
    const { id = '', type } = stanza.attrs
    if (stanza.name === 'iq' && type === 'set') this.send(`<iq type="result" id="${escapeAttribute(id)}"/>`)
    this.#inbox.push(stanza)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  async #find(isMeant: (stanza: Element) => boolean): Promise<Element> {
    for (;;) {
      const at = this.#inbox.findIndex(isMeant)
      if (at >= 0) return this.#inbox.splice(at, 1)[0]!
      await this.#changed.promise
    }
  }
}

export const bodyOf = (stanza: Element): string | undefined => stanza.elements().find(({ name }) => name === 'body')?.text

/** RFC 6120 §8.3.3 */
export function conditionOf(stanza: Element): string {
  const error = stanza.elements().find(({ name }) => name === 'error')
  return error?.elements().find(({ ns }) => ns === 'urn:ietf:params:xml:ns:xmpp-stanzas')?.name ?? 'none'
}

function has(stanza: Element, fact: string, value: string | undefined): boolean {
  const told = fact === 'body' ? bodyOf(stanza) : stanza.attrs[fact]
  return told === value || (value !== undefined && !value.includes('/') && told?.startsWith(`${value}/`) === true)
}

/** A client for tests: TLS, SCRAM-SHA-256, stream management with resumption. It shows all that happens and hides nothing. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { domainToASCII } from 'node:url'
import { plainMessage, TestClient } from '../../src/sasl/test-client.ts'
import { type Element, escapeAttribute, escapeText } from '../../src/xml/element.ts'
import { STORED_XML_LIMITS } from '../../src/xml/limits.ts'
import { type StreamHandler, StreamParser } from '../../src/xml/parser.ts'
import { within } from './within.ts'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const SM = 'urn:xmpp:sm:3'
const BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const PATIENCE = 20_000

/** Where a server for tests listens. */
export interface Place {
  readonly domain: string
  /** Where that is not 127.0.0.1. */
  readonly host?: string
  readonly port: number
  /** The PEM file of the authority to trust. */
  readonly ca: string
}

export interface Login extends Place {
  readonly name: string
  readonly password: string
  readonly mechanism?: string
  /** The address to connect from. */
  readonly localAddress?: string
}

/** What a client must know to go on with a stream (XEP-0198 §5). */
export interface Resumption {
  readonly id: string
  readonly received: number
}

export class Client implements StreamHandler {
  readonly socket: TLSSocket
  /** Done when the connection is closed. */
  readonly closed: Promise<void>
  /** The condition with which the server ended the stream. */
  streamError: string | undefined
  jid = ''
  /** What it has proved by that it knows the password; none with PLAIN. */
  scram: TestClient | undefined
  /** The stream's, once it can be resumed. */
  id: string | undefined
  /** Stanzas received since `<enabled/>`, over all connections of the stream. */
  received = 0
  isManaged = false
  onStanza: (stanza: Element) => void = () => {}
  onAcknowledged: (h: number) => void = () => {}
  readonly #login: Login
  readonly #parser = new StreamParser(this, STORED_XML_LIMITS)
  readonly #unread: Element[] = []
  #wake: (() => void) | undefined
  #isClosed = false
  #isReading = true

  constructor(login: Login) {
    const { domain, host = '127.0.0.1', port, ca, localAddress } = login
    this.#login = login
    this.socket = connect({
      host,
      port,
      servername: domainToASCII(domain),
      ca: authorityOf(ca),
      ALPNProtocols: ['xmpp-client'],
      ...(localAddress !== undefined && { localAddress }),
    })
    this.socket.setNoDelay(true).setMaxListeners(0)
    this.socket.on('data', (bytes: Buffer) => this.#parser.write(bytes))
    this.socket.on('error', () => {})
    this.closed = new Promise(resolve =>
      this.socket.once('close', () => {
        this.#isClosed = true
        this.#wake?.()
        resolve()
      }),
    )
  }

  /** Connects and proves who it is: ready to bind or to resume. Throws an Error that names the SASL condition. */
  static async login(login: Login): Promise<Client> {
    const client = await Client.connect(login)
    try {
      await client.#authenticate()
      return client
    } catch (error) {
      client.break()
      throw error
    }
  }

  /** Connects, up to the features that are offered before login. */
  static async connect(login: Login): Promise<Client> {
    const client = new Client(login)
    try {
      await within(PATIENCE, Promise.race([once(client.socket, 'secureConnect'), client.#lost()]), 'TLS')
      client.#open()
      await client.hears('features')
      return client
    } catch (error) {
      client.break()
      throw error
    }
  }

  /** A whole login: bound, managed if wished, and available. */
  static async online(
    login: Login,
    resource: string | undefined,
    isManaged: boolean,
    onStanza?: (stanza: Element) => void,
  ): Promise<Client> {
    const client = await Client.login(login)
    if (onStanza !== undefined) client.onStanza = onStanza
    await client.bind(resource)
    if (isManaged) await client.enable()
    client.send('<presence/>')
    return client
  }

  async #authenticate(): Promise<void> {
    const { name, password, mechanism = 'SCRAM-SHA-256' } = this.#login
    if (mechanism === 'PLAIN') {
      this.send(`<auth xmlns="${SASL}" mechanism="PLAIN">${plainMessage(name, password).toString('base64')}</auth>`)
      await this.hears('success')
      return this.#again()
    }
    const scram = new TestClient({ mechanism, username: name, password })
    this.scram = scram
    this.send(`<auth xmlns="${SASL}" mechanism="${mechanism}">${scram.first().toString('base64')}</auth>`)
    const challenge = await this.hears('challenge')
    this.send(`<response xmlns="${SASL}">${scram.final(Buffer.from(challenge.text, 'base64')).toString('base64')}</response>`)
    scram.verify(Buffer.from((await this.hears('success')).text, 'base64'))
    return this.#again()
  }

  /** The stream begins anew after authentication (RFC 6120 §6.4.6). */
  async #again(): Promise<void> {
    this.#parser.restart()
    this.#open()
    await this.hears('features')
  }

  /** Gives the full address. */
  async bind(resource?: string): Promise<string> {
    const wish = resource === undefined ? '' : `<resource>${escapeText(resource)}</resource>`
    this.send(`<iq type="set" id="bind"><bind xmlns="${BIND}">${wish}</bind></iq>`)
    const answer = await this.hears('iq')
    this.jid = answer.first()?.first()?.text ?? ''
    if (answer.attrs['type'] !== 'result') throw new Error(`not bound: ${answer}`)
    this.#isReading = false
    return this.jid
  }

  async enable(): Promise<void> {
    this.send(`<enable xmlns="${SM}" resume="true"/>`)
    const enabled = await this.hears('enabled')
    this.id = enabled.attrs['id']
  }

  get resumption(): Resumption | undefined {
    return this.id === undefined ? undefined : { id: this.id, received: this.received }
  }

  /** How many of its stanzas the server has, or undefined where the stream is gone; then a resource can be bound. */
  async resume({ id, received }: Resumption): Promise<number | undefined> {
    this.send(`<resume xmlns="${SM}" previd="${id}" h="${received}"/>`)
    this.received = received
    const answer = await this.hears('resumed', 'failed')
    if (answer.name === 'failed') {
      this.received = 0
      this.isManaged = false
      return undefined
    }
    this.id = id
    this.#isReading = false
    return Number(answer.attrs['h'])
  }

  send(xml: string): void {
    if (!this.#isClosed) this.socket.write(xml)
  }

  /** What was written has gone out, or never will. */
  async drained(): Promise<void> {
    if (!this.socket.writableNeedDrain) return
    await new Promise<void>(resolve => {
      const go = (): void => {
        this.socket.off('drain', go).off('close', go)
        resolve()
      }
      this.socket.on('drain', go).on('close', go)
    })
  }

  /** Asks for an acknowledgement. */
  ask(): void {
    this.send(`<r xmlns="${SM}"/>`)
  }

  /** Says goodbye, and what it has got: the session ends. What still comes is for the next one. */
  async leave(): Promise<void> {
    this.onStanza = () => {}
    if (this.isManaged) this.send(`<a xmlns="${SM}" h="${this.received}"/>`)
    this.isManaged = false
    this.send('</stream:stream>')
    await within(PATIENCE, this.closed, 'the end of a stream').catch(() => this.break())
  }

  /** As if the network were gone. */
  break(): void {
    this.socket.destroy()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The answer to a request. */
  async asks(type: 'get' | 'set', payload: string, to?: string): Promise<Element> {
    const id = `q${++this.#requests}`
    const { promise, resolve } = Promise.withResolvers<Element>()
    this.#answers.set(id, resolve)
    this.send(`<iq type="${type}" id="${id}"${to === undefined ? '' : ` to="${escapeAttribute(to)}"`}>${payload}</iq>`)
    return within(PATIENCE, Promise.race([promise, this.#lost()]), `the answer to ${payload.slice(0, 60)}`)
  }

  /** Before login: as for registration. Throws an Error with the condition that the server answers. */
  async asksBeforeLogin(type: 'get' | 'set', payload: string): Promise<void> {
    this.send(`<iq type="${type}" id="before" to="${this.#login.domain}">${payload}</iq>`)
    const answer = await this.hears('iq')
    if (answer.attrs['type'] !== 'result') throw new Error(`refused: ${answer}`)
  }

  #requests = 0
  readonly #answers = new Map<string, (answer: Element) => void>()

  /** The next element of one of these names; others are lost. */
  async hears(...names: string[]): Promise<Element> {
    const look = async (): Promise<Element> => {
      for (;;) {
        const element = this.#unread.shift()
        if (element?.name === 'failure') throw new Error(element.first()?.name ?? 'failure')
        if (element !== undefined && names.includes(element.name)) return element
        if (element === undefined && this.#isClosed)
          throw new Error(`the connection ended${this.streamError === undefined ? '' : `: ${this.streamError}`}`)
        if (element === undefined) await new Promise<void>(resolve => (this.#wake = resolve))
      }
    }
    return within(PATIENCE, look(), names.join(' or '))
  }

  onOpen(): void {}

  onElement(element: Element): void {
    if (element.name === 'error' && element.ns !== 'jabber:client') this.streamError = element.first()?.name
    else if (element.ns === SM) this.#manage(element)
    else if (element.ns === 'jabber:client') this.#stanza(element)
    else this.#keep(element)
  }

  onClose(): void {
    this.socket.end('</stream:stream>')
  }

  #stanza(stanza: Element): void {
    if (this.isManaged) this.received = (this.received + 1) % 2 ** 32
    const { id = '', type } = stanza.attrs
    const answer = stanza.name === 'iq' && (type === 'result' || type === 'error') ? this.#answers.get(id) : undefined
    if (answer !== undefined) {
      this.#answers.delete(id)
      answer(stanza)
    } else if (this.#isReading) this.#keep(stanza)
    else this.onStanza(stanza)
  }

  #manage(element: Element): void {
    // Once it has said goodbye it says no more.
    if (element.name === 'r') this.isManaged && this.send(`<a xmlns="${SM}" h="${this.received}"/>`)
    else if (element.name === 'a') this.onAcknowledged(Number(element.attrs['h']))
    else {
      // From here on stanzas count, also those that come before anyone has read this answer.
      if (element.name !== 'failed') this.isManaged = true
      if (element.name === 'resumed') this.#isReading = false
      this.#keep(element)
    }
  }

  #keep(element: Element): void {
    this.#unread.push(element)
    this.#wake?.()
  }

  #open(): void {
    const { domain } = this.#login
    this.send(
      `<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="${domain}" version="1.0">`,
    )
  }

  async #lost(): Promise<never> {
    await this.closed
    throw new Error(`the connection ended${this.streamError === undefined ? '' : `: ${this.streamError}`}`)
  }
}

const authorities = new Map<string, Buffer>()

function authorityOf(file: string): Buffer {
  const known = authorities.get(file) ?? readFileSync(file)
  authorities.set(file, known)
  return known
}

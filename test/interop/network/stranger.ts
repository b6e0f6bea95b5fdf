import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type SecureVersion, TLSSocket } from 'node:tls'
import { type Element, escapeAttribute } from '../../../src/xml/element.ts'
import { STORED_XML_LIMITS } from '../../../src/xml/limits.ts'
import { type StreamHandler, StreamParser } from '../../../src/xml/parser.ts'
import { within } from '../server.ts'

const PATIENCE = 20_000
const TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const STARTTLS = `<starttls xmlns='${TLS}'/>`
export const PROCEED = `<proceed xmlns='${TLS}'/>`
export const EXTERNAL = `<auth xmlns='${SASL}' mechanism='EXTERNAL'>=</auth>`
export const SUCCESS = `<success xmlns='${SASL}'/>`
/** What is offered behind TLS. */
export const OFFERS = {
  tls: `<starttls xmlns='${TLS}'><required/></starttls>`,
  external: `<mechanisms xmlns='${SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>`,
  dialback: `<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>`,
}

/** What one side of TLS shows, as PEM with the chain; `undefined` is nothing at all. */
export type Credentials = { readonly cert: string; readonly key: string } | undefined

/** How TLS begins: behind STARTTLS, or from the first byte (XEP-0368). */
export type Kind = 'tcp' | 'tls'

/** Whom a stream is from and to, as its header says. */
export interface Ends {
  readonly from: string
  readonly to: string
}

export interface TlsWish {
  readonly credentials: Credentials
  /** The only version that is spoken. */
  readonly version?: SecureVersion
  readonly servername?: string
}

/** The other end of a connection between servers, in the hands of a test: it says what it is told to, whatever that is. */
export class Stranger implements StreamHandler {
  /** Done when the connection is closed. */
  readonly closed: Promise<void>
  /** All that came, as it was read, since TLS or since the beginning. */
  heard = ''
  /** Of the last stream header that came. */
  streamId = ''
  readonly #kind: Kind
  #socket: Socket
  #parser = this.#newParser()
  readonly #inbox: Element[] = []
  #changed = Promise.withResolvers<void>()
  #isClosed = false

  constructor(socket: Socket, kind: Kind) {
    this.#kind = kind
    this.#socket = socket
    socket.on('error', () => {})
    if (kind === 'tcp') this.#listen(socket)
    this.closed = new Promise(resolve =>
      socket.once('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      }),
    )
  }

  /** Connects to a port of this machine. */
  static async calls(port: number, kind: Kind = 'tcp', localAddress?: string): Promise<Stranger> {
    const socket = connect({ host: '127.0.0.1', port, ...(localAddress !== undefined && { localAddress }) })
    const stranger = new Stranger(socket, kind)
    await within(PATIENCE, once(socket, 'connect'), 'a connection')
    return stranger
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** In one segment, where it is short. */
  send(...xml: string[]): void {
    if (!this.#socket.destroyed) this.#socket.write(xml.join(''))
  }

  open({ from, to }: Ends, id = ''): string {
    const named = id && ` id='${escapeAttribute(id)}'`
    return `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' version='1.0' from='${from}' to='${to}'${named}>`
  }

  /** The next element, which must have one of these names; the header has it too. */
  async hears(...names: string[]): Promise<Element> {
    const element = await within(PATIENCE, this.#next(), names.join(' or '))
    if (element === undefined) throw new Error(`the connection ended, where there should have been ${names.join(' or ')}`)
    if (!names.includes(element.name)) throw new Error(`there should have been ${names.join(' or ')}, but there was ${element}`)
    return element
  }

  /** The condition of the stream error that comes next, and is the last thing to come. */
  async hearsStreamError(): Promise<string> {
    const error = await this.hears('error')
    await within(PATIENCE, this.closed, 'the end')
    return error.first()!.name
  }

  /** The connection has ended without another word; gives what there was after all. */
  async hearsNoMore(): Promise<string> {
    await within(PATIENCE, this.closed, 'the end')
    return this.#inbox.splice(0).join('')
  }

  /** What came, and was not asked for. */
  get unread(): string {
    return this.#inbox.join('')
  }

  /** The other side begins its stream anew. */
  restart(): void {
    this.#parser = this.#newParser()
    this.heard = ''
  }

  /** Shakes hands; false when that fails. */
  async secures(as: 'client' | 'server', { credentials, version, servername }: TlsWish): Promise<boolean> {
    const raw = this.#socket
    raw.removeAllListeners('data')
    this.restart()
    const wish = {
      ...credentials,
      ...(this.#kind === 'tls' && { ALPNProtocols: ['xmpp-server'] }),
      rejectUnauthorized: false,
      ...(version !== undefined && { minVersion: version, maxVersion: version }),
      // OpenSSL itself speaks no TLS 1.1 otherwise.
      ...(version === 'TLSv1.1' && { ciphers: 'DEFAULT@SECLEVEL=0' }),
    }
    const tls =
      as === 'server'
        ? new TLSSocket(raw, { ...wish, isServer: true, requestCert: true })
        : connectTls({ ...wish, socket: raw, ...(servername !== undefined && { servername }) })
    this.#socket = tls
    this.#listen(tls)
    tls.on('_tlsError', () => raw.destroy())
    const secured = once(tls, 'secure').then(
      () => true,
      () => false, // an error
    )
    return within(PATIENCE, Promise.race([secured, this.closed.then(() => false)]), 'TLS')
  }

  /** Has connected: comes as far as the features behind TLS, which it gives, or the error that comes instead. */
  async opens(ends: Ends, credentials: Credentials): Promise<Element> {
    if (this.#kind === 'tcp') {
      this.send(this.open(ends))
      await this.hears('stream')
      await this.hears('features')
      this.send(STARTTLS)
      await this.hears('proceed')
    }
    if (!(await this.secures('client', { credentials, servername: ends.to }))) throw new Error('TLS failed')
    return this.begins(ends)
  }

  /** Opens the stream, or opens it anew; gives what is offered, or the error that comes instead. */
  async begins(ends: Ends): Promise<Element> {
    this.restart()
    this.send(this.open(ends))
    await this.hears('stream')
    return this.hears('features', 'error')
  }

  /** Has been called: comes as far as its own features behind TLS. False when TLS fails, or the caller goes behind it. */
  async welcomes(ends: Ends, tls: TlsWish, offers: string, id = 'stream-1'): Promise<boolean> {
    const answer = (offered: string): string => `${this.open(ends, id)}<stream:features>${offered}</stream:features>`
    if (this.#kind === 'tcp') {
      await this.hears('stream')
      this.send(answer(OFFERS.tls))
      await this.hears('starttls')
      this.send(PROCEED)
    }
    if (!(await this.secures('server', tls))) return false
    if ((await within(PATIENCE, this.#next(), 'a header')) === undefined) return false
    this.send(answer(offers))
    return true
  }

  end(): void {
    this.#socket.destroy()
  }

  // --- what the parser tells

  onOpen(root: Element): void {
    this.streamId = root.attrs['id'] ?? this.streamId
    this.onElement(root)
  }

  onElement(element: Element): void {
    this.#inbox.push(element)
    this.#wake()
  }

  onClose(): void {}

  #listen(socket: Socket): void {
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.heard += bytes
      this.#parser.write(bytes)
    })
  }

  async #next(): Promise<Element | undefined> {
    while (this.#inbox.length === 0 && !this.#isClosed) await this.#changed.promise
    return this.#inbox.shift()
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #newParser(): StreamParser {
    return new StreamParser(this, STORED_XML_LIMITS, 1, '', { from: 'jabber:server', to: 'jabber:client' })
  }
}

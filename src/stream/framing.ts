import { type Element, escapeAttribute } from '../xml/element.ts'
import { parseElement, type StreamHandler, StreamParser, type XmlLimits } from '../xml/parser.ts'
import { StreamError } from '../xmpp/error.ts'
import { type ContentNamespace, renamingOf } from './content-namespace.ts'
import { Framing as Frames } from './namespaces.ts'

/** What the server says of a stream in its header (RFC 6120 §4.7). */
export interface Header {
  readonly from: string | undefined
  readonly to: string | undefined
  /** The receiving side gives it. */
  readonly id: string | undefined
}

/** How a stream is cut into bytes or frames: RFC 6120 §4 over TCP, RFC 7395 over WebSocket. */
export interface Framing {
  /** Throws XmlError or StreamError. */
  read(bytes: Buffer): void
  /** The client opens the stream anew (RFC 6120 §4.3.3). */
  restart(): void
  /** Whatever else has come in this turn is dropped. */
  discard(): void
  /** No element has begun that has not ended. */
  readonly isIdle: boolean
  limit(limits: XmlLimits): void
  header(header: Header): string
  stanza(stanza: Element): string
  /** `features` and `error`, whose prefix is `stream` by custom and for the sake of simple clients. */
  streamElement(element: Element): string
  readonly end: string
}

const VERSION = ` version='1.0' xml:lang='en'`

/** What else a header says. */
const SAID: Readonly<Record<ContentNamespace, string>> = {
  'jabber:client': VERSION,
  'jabber:server': ` xmlns:db='jabber:server:dialback'${VERSION}`,
  // XEP-0114 §3 is older than versions: a component that is shown one waits for features, which never come.
  'jabber:component:accept': '',
}

/** One document per stream, stanzas as its children. */
export class TcpFraming implements Framing {
  readonly #parser: StreamParser
  readonly #namespace: ContentNamespace
  readonly end = '</stream:stream>'

  constructor(handler: StreamHandler, limits: XmlLimits, namespace: ContentNamespace = 'jabber:client') {
    this.#parser = new StreamParser(handler, limits, 1, '', renamingOf(namespace))
    this.#namespace = namespace
  }

  read(bytes: Buffer): void {
    this.#parser.write(bytes)
  }

  get isIdle(): boolean {
    return this.#parser.isIdle
  }

  restart(): void {
    this.#parser.restart()
  }

  discard(): void {
    this.#parser.discard()
  }

  limit(limits: XmlLimits): void {
    this.#parser.limits = limits
  }

  header({ from, to, id }: Header): string {
    const attributes = `${attribute('from', from)}${attribute('to', to)}${attribute('id', id)}`
    return `<?xml version='1.0'?><stream:stream xmlns='${this.#namespace}' xmlns:stream='http://etherx.jabber.org/streams'${SAID[this.#namespace]}${attributes}>`
  }

  /** What is in no other namespace than the stanza's is in that of the stream's content, whichever that is. */
  stanza(stanza: Element): string {
    return stanza.toString('jabber:client')
  }

  streamElement(element: Element): string {
    return prefixed(element, '')
  }
}

const CLOSE = String(Frames('close'))

/** One document per frame. */
export class WebSocketFraming implements Framing {
  readonly #handler: StreamHandler
  #limits: XmlLimits
  #isDiscarding = false
  readonly isIdle = true
  readonly end = CLOSE

  constructor(handler: StreamHandler, limits: XmlLimits) {
    this.#handler = handler
    this.#limits = limits
  }

  read(bytes: Buffer): void {
    if (this.#isDiscarding) return
    const element = parseElement(bytes, this.#limits)
    if (element.is(Frames, 'open')) this.#handler.onOpen(element, 'jabber:client')
    else if (element.is(Frames, 'close')) this.#handler.onClose()
    else if (element.ns === 'http://etherx.jabber.org/streams' && element.name === 'stream') throw new StreamError('invalid-namespace')
    else this.#handler.onElement(element)
  }

  restart(): void {
    this.#isDiscarding = false
  }

  discard(): void {
    this.#isDiscarding = true
  }

  limit(limits: XmlLimits): void {
    this.#limits = limits
  }

  header({ from, to, id }: Header): string {
    return String(Frames('open', { from, to, id, version: '1.0', 'xml:lang': 'en' }))
  }

  stanza(stanza: Element): string {
    return stanza.toString()
  }

  streamElement(element: Element): string {
    return prefixed(element, ` xmlns:stream='http://etherx.jabber.org/streams'`)
  }
}

const attribute = (name: string, value: string | undefined): string => (value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`)

/** What is inside has namespaces of its own; an element that goes to many streams is serialised once. */
function prefixed(element: Element, declaration: string): string {
  return `<stream:${element.name}${declaration}>${element.inner}</stream:${element.name}>`
}

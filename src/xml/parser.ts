import { cdataOf, checkDeclaration, isBlank, textOf } from './content.ts'
import { type Decoded, Decoder } from './decoder.ts'
import { type Child, Element, NO_ATTRS } from './element.ts'
import { MOST_PREFIXES, STORED_XML_LIMITS, type XmlLimits } from './limits.ts'
import type { InForce, Renaming } from './scope.ts'
import { type StartTag, startTag } from './start-tag.ts'
import { endOfToken, type Unfinished, unfinished } from './unfinished.ts'
import { malformed, XmlError } from './xml-error.ts'

export type { XmlLimits } from './limits.ts'
export type { Renaming } from './scope.ts'
export { type XmlCondition, XmlError } from './xml-error.ts'

export interface StreamHandler {
  /** The stream header; it has no children, and never will. `content` is the default namespace in it, as it was written. */
  onOpen(root: Element, content: string): void
  /** A complete child of the root. */
  onElement(element: Element): void
  onClose(): void
}

/** Where a document is: nothing of it came yet, something before the root did, inside the root, after it. */
type Place = 'start' | 'prolog' | 'root' | 'end'

/** How deep the elements stand that are handed over: children of the root, or the root itself. */
type Level = 0 | 1

const LESS = 60
const SLASH = 47
const BANG = 33
const QUESTION = 63
const GREATER = 62

/** XML streams as RFC 6120 §11 restricts them. Strict: what it does not know to be right, it refuses. */
export class StreamParser {
  limits: XmlLimits
  readonly #handler: StreamHandler
  readonly #level: Level
  readonly #around: InForce
  readonly #renaming: Renaming | undefined
  readonly #decoder = new Decoder()
  #place: Place = 'start'
  #open: StartTag[] = []
  /** Children of all open elements, one after the other. */
  #nodes: Child[] = []
  /** Of the element of the top level that has begun. */
  #bytes = 0
  #elements = 0
  /** How far the current string has been counted, and whether that is a matter of its length. */
  #counted = 0
  #isAscii = true
  /** The beginning of a token whose end has not come. */
  #held: string[] = []
  #unfinished: Unfinished | undefined
  #isPlain = true
  #isDiscarding = false
  #isWriting = false
  #isDead = false

  /** `level` 0 is for documents that are one element; `outerNs` is the default namespace in force around them; elements are renamed, attributes are not. */
  constructor(handler: StreamHandler, limits: XmlLimits, level: Level = 1, outerNs = '', renaming?: Renaming) {
    this.#renaming = renaming
    this.#handler = handler
    this.limits = limits
    this.#level = level
    this.#around = { inner: outerNs, prefixes: undefined }
  }

  /** Between elements, with nothing begun. */
  get isIdle(): boolean {
    const atRest = this.#place === 'root' ? this.#open.length === this.#level : this.#bytes === 0
    return atRest && this.#held.length === 0 && this.#decoder.isIdle
  }

  /** Throws XmlError where the input is wrong; after that the parser keeps nothing and takes nothing. */
  write(bytes: Uint8Array): void {
    if (this.#isDead || bytes.length === 0) return
    this.#isDiscarding = false
    this.#isWriting = true
    try {
      // RFC 6120 §11.6: UTF-16, given away by its first byte.
      if (this.#place === 'start' && this.#bytes === 0 && this.#decoder.isIdle && bytes[0]! >= 0xfe)
        throw new XmlError('unsupported-encoding')
      const decoded = this.#decoder.decode(bytes)
      this.#take(decoded)
      if (decoded.isBroken && !this.#isDiscarding) throw malformed('bytes that are no characters')
    } catch (error) {
      this.#forget()
      this.#decoder.reset()
      this.#isDead = true
      throw error
    } finally {
      this.#isWriting = false
    }
  }

  /** A new document begins (RFC 6120 §4.3.3): with the next byte of the chunk if called by a handler, else with the next chunk. */
  restart(): void {
    this.#forget()
    if (!this.#isWriting) this.#decoder.reset()
    this.#place = 'start'
  }

  /** To be called by a handler: whatever else came in this chunk is ignored. */
  discard(): void {
    this.#isDiscarding = true
    this.#decoder.reset()
  }

  #forget(): void {
    this.#open = []
    this.#nodes = []
    this.#held = []
    this.#unfinished = undefined
    this.#bytes = 0
    this.#elements = 0
  }

  #take({ text: chunk, isAscii, isPlain, isBroken }: Decoded): void {
    let xml = chunk
    this.#isAscii = isAscii
    this.#counted = 0
    if (this.#held.length > 0) {
      this.#isPlain &&= isPlain
      // Before broken bytes comes what was wrong before them, however it was cut.
      if (this.#unfinished !== undefined && !endOfToken(this.#unfinished, chunk) && !isBroken) {
        this.#held.push(chunk)
        this.#count(chunk, chunk.length)
        return
      }
      this.#held.push(chunk)
      xml = this.#held.join('')
      this.#counted = xml.length - chunk.length
      this.#held = []
    } else this.#isPlain = isPlain
    this.#unfinished = undefined
    this.#parse(xml)
  }

  /** Counts the bytes up to `to`, once each. */
  #count(xml: string, to: number): void {
    this.#bytes += this.#isAscii ? to - this.#counted : Buffer.byteLength(xml.slice(this.#counted, to))
    this.#counted = to
    if (this.#bytes > this.limits.bytes) throw new XmlError('policy-violation', 'too many bytes')
  }

  /**
   * A long namespace is said once and used often; we say it wherever it is used. That counts, or few bytes would become
   * very many for whoever gets the stanza. And as each attribute with a namespace is given a prefix of its own, so do these.
   */
  #countImplied(tag: StartTag, parent: StartTag | undefined): void {
    const outer = this.#open.length > this.#level ? parent : undefined
    tag.prefixesSaid = (outer?.prefixesSaid ?? 0) + tag.foreign
    if (tag.foreign > 0 || (outer !== undefined && tag.ns !== outer.ns)) this.#bytes += tag.implied
    if (tag.prefixesSaid > MOST_PREFIXES) throw new XmlError('policy-violation', 'too many prefixes')
    if (this.#bytes > this.limits.bytes) throw new XmlError('policy-violation', 'too many bytes')
  }

  /** What comes next belongs to nothing yet. */
  #settle(to: number): void {
    this.#bytes = 0
    this.#elements = 0
    this.#counted = to
  }

  #parse(xml: string): void {
    let at = 0
    while (at < xml.length) {
      let next: number
      if (xml.charCodeAt(at) === LESS) next = this.#markup(xml, at)
      else next = this.#text(xml, at)
      if (this.#isDiscarding) return
      if (next === -1) {
        this.#held = [xml.slice(at)]
        this.#unfinished = unfinished(xml, at)
        break
      }
      at = next
    }
    if (this.#counted < xml.length) this.#count(xml, xml.length)
  }

  #text(xml: string, from: number): number {
    const less = xml.indexOf('<', from)
    if (this.#isBetween) {
      const to = less === -1 ? xml.length : less
      if (!isBlank(xml, from, to)) throw malformed('text outside of elements')
      if (this.#place === 'start') this.#place = 'prolog'
      // White space keeps connections alive and may come for ever, but not too much at once: the chunk it is in may be kept.
      this.#count(xml, to)
      if (this.#place === 'root' || this.#place === 'end') this.#settle(to)
      return to
    }
    if (less === -1) return -1
    const raw = xml.slice(from, less)
    this.#addText(this.#isPlain ? raw : textOf(raw))
    return less
  }

  /** No element is open that could have text. */
  get #isBetween(): boolean {
    return this.#open.length <= this.#level
  }

  #addText(text: string): void {
    const nodes = this.#nodes
    const last = nodes.length - 1
    const before = nodes[last]
    if (typeof before === 'string' && last >= this.#open[this.#open.length - 1]!.nodesFrom) nodes[last] = before + text
    else if (text !== '') nodes.push(text)
  }

  /** The token that `<` begins: where it ends, or -1 if that has not come yet. */
  #markup(xml: string, from: number): number {
    if (from + 1 >= xml.length) return -1
    switch (xml.charCodeAt(from + 1)) {
      case SLASH:
        return this.#endTag(xml, from)
      case BANG:
        return this.#cdata(xml, from)
      case QUESTION:
        return this.#declaration(xml, from)
      default:
        return this.#startTag(xml, from)
    }
  }

  #startTag(xml: string, from: number): number {
    if (this.#place === 'end') throw malformed('an element after the root')
    const open = this.#open
    const less = xml.indexOf('<', from + 1)
    const tag = startTag(xml, from, less === -1 ? xml.length : less, this.#isPlain, this.limits, open[open.length - 1] ?? this.#around)
    if (tag === undefined) {
      if (less !== -1) throw malformed('a tag inside a tag')
      return -1
    }
    if (++this.#elements > this.limits.elements) throw new XmlError('policy-violation', 'too many elements')
    if (open.length + 1 - this.#level > this.limits.depth) throw new XmlError('policy-violation', 'too deep')
    if (tag.ns === this.#renaming?.from) tag.ns = this.#renaming.to
    this.#countImplied(tag, open[open.length - 1])
    tag.nodesFrom = this.#nodes.length
    open.push(tag)
    this.#place = 'root'
    if (open.length === this.#level) {
      this.#count(xml, tag.end)
      this.#settle(tag.end)
      const root = new Element(tag.ns, tag.name, tag.attrs, [])
      // The header's values, and the chunk they are part of, must not live as long as the stream.
      tag.attrs = NO_ATTRS
      this.#handler.onOpen(root, tag.inner)
      if (this.#open[0] !== tag || this.#isDiscarding) return tag.end
    }
    if (tag.isEmpty) this.#close(xml, tag.end)
    return tag.end
  }

  #endTag(xml: string, from: number): number {
    const tag = this.#open[this.#open.length - 1]
    if (tag === undefined) throw malformed('an end tag without a start tag')
    const { qname } = tag
    let end = from + 2 + qname.length
    if (xml.charCodeAt(end) !== GREATER || !xml.startsWith(qname, from + 2)) {
      const greater = xml.indexOf('>', from)
      const less = xml.indexOf('<', from + 1)
      if (less !== -1 && (greater === -1 || less < greater)) throw malformed('a tag inside a tag')
      if (greater === -1) return -1
      if (!xml.startsWith(qname, from + 2) || !isBlank(xml, end, greater)) throw malformed('an end tag for another element')
      end = greater
    }
    this.#close(xml, end + 1)
    return end + 1
  }

  /** The innermost open element is complete. */
  #close(xml: string, end: number): void {
    const { nodesFrom, ns, name, attrs } = this.#open.pop()!
    const nodes = this.#nodes
    const depth = this.#open.length
    if (depth === 0) this.#place = 'end'
    if (depth < this.#level) {
      this.#settle(end)
      this.#handler.onClose()
      return
    }
    const count = nodes.length - nodesFrom
    const element = new Element(ns, name, attrs, count === 0 ? [] : count === 1 ? [nodes.pop()!] : nodes.splice(nodesFrom))
    if (depth > this.#level) {
      nodes.push(element)
      return
    }
    this.#count(xml, end)
    this.#settle(end)
    this.#handler.onElement(element)
  }

  #cdata(xml: string, from: number): number {
    if (!xml.startsWith(CDATA, from)) {
      const begun = xml.slice(from, from + CDATA.length)
      if (CDATA.startsWith(begun)) return -1
      // RFC 6120 §11.1; `<!-` and `<!D` can become nothing else.
      if (begun[2] === '-' || begun[2] === 'D') throw new XmlError('restricted-xml', 'a comment or a document type')
      throw malformed('a declaration')
    }
    if (this.#isBetween) throw malformed('text outside of elements')
    const end = xml.indexOf(']]>', from + CDATA.length)
    if (end === -1) return -1
    this.#addText(cdataOf(xml.slice(from + CDATA.length, end)))
    return end + 3
  }

  #declaration(xml: string, from: number): number {
    const begun = xml.slice(from, from + 6)
    if (this.#place !== 'start' || !/^<\?(?:x(?:m(?:l[ \t\r\n]?)?)?)?$/.test(begun)) {
      throw new XmlError('restricted-xml', 'a processing instruction')
    }
    const end = xml.indexOf('>', from)
    if (end === -1) return -1
    checkDeclaration(xml.slice(from, end + 1))
    this.#place = 'prolog'
    return end + 1
  }
}

const CDATA = '<![CDATA['

/** One whole document: a WebSocket frame, a stored stanza. `outer` is the default namespace in force around it. Throws XmlError. */
export function parseElement(xml: string | Uint8Array, limits: XmlLimits = STORED_XML_LIMITS, outer = ''): Element {
  let found: Element | undefined
  const handler = {
    onOpen() {},
    onElement(element: Element) {
      found = element
    },
    onClose() {},
  }
  const parser = new StreamParser(handler, limits, 0, outer)
  const bytes = typeof xml === 'string' ? Buffer.from(xml) : xml
  parser.write(bytes)
  // Where Node cuts small buffers from, it would stay.
  if (typeof xml === 'string') bytes.fill(0)
  if (found === undefined || !parser.isIdle) throw malformed('the document has no end')
  return found
}

/** The same in memory of its own: a text that was cut from what was received keeps all of that alive. For what stays. */
export const ownCopy = (element: Element): Element => parseElement(String(element))

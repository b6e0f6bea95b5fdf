import { attributeOf, isSpace } from './content.ts'
import { Attributes, type Attrs, knownNamespace, NO_ATTRS, XML_NAMESPACE, XMLNS_NAMESPACE } from './element.ts'
import { LONGEST_NAME, type XmlLimits } from './limits.ts'
import { nameAt, nameEnd } from './names.ts'
import { type Binding, bind, resolve } from './scope.ts'
import { malformed, XmlError } from './xml-error.ts'

/** What a start tag says, and what is in force within its element. */
export class StartTag {
  /** As written, with its prefix: the end tag must say the same. */
  readonly qname: string
  readonly ns: string
  readonly name: string
  readonly attrs: Attrs
  /** The default namespace inside. */
  readonly inner: string
  readonly prefixes: Binding | undefined
  readonly isEmpty: boolean
  /** Where what follows it begins. */
  readonly end: number
  /** Where the parser keeps the children: their place among all nodes not yet in an element. */
  readonly nodesFrom: number

  constructor(
    qname: string,
    ns: string,
    name: string,
    attrs: Attrs,
    inner: string,
    prefixes: Binding | undefined,
    isEmpty: boolean,
    end: number,
    nodesFrom: number,
  ) {
    this.qname = qname
    this.ns = ns
    this.name = name
    this.attrs = attrs
    this.inner = inner
    this.prefixes = prefixes
    this.isEmpty = isEmpty
    this.end = end
    this.nodesFrom = nodesFrom
  }
}

interface Prefixed {
  readonly prefix: string
  readonly name: string
  readonly value: string
}

const MARK = { apostrophe: 39, quote: 34, slash: 47, colon: 58, equals: 61, greater: 62 } as const

/**
 * The start tag whose `<` is at `from`. `to` is where the next `<` is or the text ends: where that comes first,
 * nothing is given, and the caller knows whether more may come. `isPlain`: no value needs normalising.
 */
export function startTag(
  xml: string,
  from: number,
  to: number,
  isPlain: boolean,
  limits: XmlLimits,
  outerNs: string,
  outerPrefixes: Binding | undefined,
  nodesFrom: number,
): StartTag | undefined {
  const longest = limits.nameLength ?? LONGEST_NAME
  let at = nameEnd(xml, from + 1, to)
  checkLength(at - from - 1, longest)
  let prefix = ''
  let nameFrom = from + 1
  if (at < to && xml.charCodeAt(at) === MARK.colon) {
    prefix = xml.slice(nameFrom, at)
    nameFrom = at + 1
    at = nameEnd(xml, nameFrom, to)
    checkLength(at - nameFrom, longest)
  }
  if (at >= to) return undefined
  const name = nameAt(xml, nameFrom, at)
  const qname = prefix === '' ? name : `${prefix}:${name}`

  let attrs: Record<string, string> | undefined
  let prefixed: Prefixed[] | undefined
  let inner: string | undefined
  let prefixes = outerPrefixes
  let count = 0
  let isEmpty = false
  for (;;) {
    const gap = at
    while (at < to && isSpace(xml.charCodeAt(at))) at++
    if (at >= to) return undefined
    const code = xml.charCodeAt(at)
    if (code === MARK.greater) break
    if (code === MARK.slash) {
      if (++at >= to) return undefined
      if (xml.charCodeAt(at) !== MARK.greater) throw malformed('a slash inside a tag')
      isEmpty = true
      break
    }
    if (gap === at) throw malformed('no space before an attribute')
    if (++count > limits.attributes) throw new XmlError('policy-violation', 'too many attributes')

    let keyFrom = at
    let keyPrefix = ''
    at = nameEnd(xml, keyFrom, to)
    checkLength(at - keyFrom, longest)
    if (at < to && xml.charCodeAt(at) === MARK.colon) {
      keyPrefix = nameAt(xml, keyFrom, at)
      keyFrom = at + 1
      at = nameEnd(xml, keyFrom, to)
      checkLength(at - keyFrom, longest)
    }
    if (at >= to) return undefined
    const key = nameAt(xml, keyFrom, at)

    while (at < to && isSpace(xml.charCodeAt(at))) at++
    if (at >= to) return undefined
    if (xml.charCodeAt(at) !== MARK.equals) throw malformed('an attribute without a value')
    at++
    while (at < to && isSpace(xml.charCodeAt(at))) at++
    if (at >= to) return undefined
    const quote = xml.charCodeAt(at)
    if (quote !== MARK.apostrophe && quote !== MARK.quote) throw malformed('a value without quotes')
    const close = xml.indexOf(quote === MARK.quote ? '"' : "'", ++at)
    if (close === -1 || close >= to) return undefined
    const raw = xml.slice(at, close)
    const value = isPlain ? raw : attributeOf(raw)
    at = close + 1

    if (keyPrefix === '') {
      if (key === 'xmlns') {
        if (inner !== undefined) throw malformed('an attribute twice')
        if (value === XML_NAMESPACE || value === XMLNS_NAMESPACE) throw new XmlError('bad-namespace-prefix', 'a namespace bound for good')
        inner = knownNamespace(value)
      } else {
        attrs ??= new Attributes()
        if (key in attrs) throw malformed('an attribute twice')
        attrs[key] = value
      }
    } else if (keyPrefix === 'xmlns') prefixes = bind(prefixes, outerPrefixes, key, knownNamespace(value))
    else (prefixed ??= []).push({ prefix: keyPrefix, name: key, value })
  }

  if (prefixed !== undefined) {
    attrs ??= new Attributes()
    for (const { prefix, name, value } of prefixed) {
      const key = prefix === 'xml' ? `xml:${name}` : `{${resolve(prefixes, prefix)}}${name}`
      if (key in attrs) throw malformed('an attribute twice')
      attrs[key] = value
    }
  }
  inner ??= outerNs
  if (prefix === 'xml') throw new XmlError('bad-namespace-prefix', 'no element has the prefix xml')
  const ns = prefix === '' ? inner : resolve(prefixes, prefix)
  return new StartTag(qname, ns, name, attrs ?? NO_ATTRS, inner, prefixes, isEmpty, at + 1, nodesFrom)
}

function checkLength(length: number, longest: number): void {
  if (length > longest) throw new XmlError('policy-violation', 'a name that is too long')
}

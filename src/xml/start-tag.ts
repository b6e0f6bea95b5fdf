import { AttributeList } from './attribute-list.ts'
import { attributeOf, skipSpace } from './content.ts'
import type { Attrs } from './element.ts'
import { LONGEST_NAME, type XmlLimits } from './limits.ts'
import { nameAt, nameEnd } from './names.ts'
import { type Binding, type InForce, resolve } from './scope.ts'
import { malformed, XmlError } from './xml-error.ts'

/** What a start tag says, and what is in force within its element. */
export class StartTag implements InForce {
  /** As written, with its prefix: the end tag must say the same. */
  readonly qname: string
  /** For the parser to rename. */
  ns: string
  readonly name: string
  attrs: Attrs
  readonly inner: string
  readonly prefixes: Binding | undefined
  /** Attributes that have a namespace. */
  readonly foreign: number
  /** Characters of namespaces that are not declared here, but must be when the element is written in another place. */
  readonly implied: number
  readonly isEmpty: boolean
  /** Where what follows it begins. */
  readonly end: number
  /** For the parser: where its children begin among all nodes that wait for the end of their element. */
  nodesFrom = 0
  /** For the parser: prefixes in force within it when its stanza is written anew. */
  prefixesSaid = 0

  constructor(qname: string, ns: string, name: string, list: AttributeList, attrs: Attrs, isEmpty: boolean, end: number) {
    this.qname = qname
    this.ns = ns
    this.name = name
    this.attrs = attrs
    this.inner = list.inner
    this.prefixes = list.prefixes
    this.foreign = list.foreign
    this.implied = list.foreignLength + (qname === name && list.hasInner ? 0 : ns.length)
    this.isEmpty = isEmpty
    this.end = end
  }
}

const QUOTE = 34
const APOSTROPHE = 39
const SLASH = 47
const COLON = 58
const EQUALS = 61
const GREATER = 62

/**
 * The start tag whose `<` is at `from`. `to` is where the next `<` is or the text ends: where that comes first,
 * nothing is given, and the caller knows whether more may come. `isPlain`: no value needs normalising.
 */
export function startTag(xml: string, from: number, to: number, isPlain: boolean, limits: XmlLimits, outer: InForce): StartTag | undefined {
  const longest = limits.nameLength ?? LONGEST_NAME
  let nameFrom = from + 1
  let at = nameEnd(xml, nameFrom, to, longest)
  let prefix = ''
  if (at < to && xml.charCodeAt(at) === COLON) {
    prefix = nameAt(xml, nameFrom, at)
    nameFrom = at + 1
    at = nameEnd(xml, nameFrom, to, longest)
  }
  if (at >= to) return undefined
  const name = nameAt(xml, nameFrom, at)

  const list = new AttributeList(outer)
  let isEmpty = false
  for (let count = 1; ; count++) {
    const gap = at
    at = skipSpace(xml, at, to)
    if (at >= to) return undefined
    const code = xml.charCodeAt(at)
    if (code === GREATER) break
    if (code === SLASH) {
      if (++at >= to) return undefined
      if (xml.charCodeAt(at) !== GREATER) throw malformed('a slash inside a tag')
      isEmpty = true
      break
    }
    if (gap === at) throw malformed('no space before an attribute')
    if (count > limits.attributes) throw new XmlError('policy-violation', 'too many attributes')

    let keyFrom = at
    let keyPrefix = ''
    at = nameEnd(xml, keyFrom, to, longest)
    if (at < to && xml.charCodeAt(at) === COLON) {
      keyPrefix = nameAt(xml, keyFrom, at)
      keyFrom = at + 1
      at = nameEnd(xml, keyFrom, to, longest)
    }
    if (at >= to) return undefined
    const key = nameAt(xml, keyFrom, at)

    at = skipSpace(xml, at, to)
    if (at >= to) return undefined
    if (xml.charCodeAt(at) !== EQUALS) throw malformed('an attribute without a value')
    at = skipSpace(xml, at + 1, to)
    if (at >= to) return undefined
    const quote = xml.charCodeAt(at)
    if (quote !== APOSTROPHE && quote !== QUOTE) throw malformed('a value without quotes')
    const close = xml.indexOf(quote === QUOTE ? '"' : "'", at + 1)
    if (close === -1 || close >= to) return undefined
    const value = xml.slice(at + 1, close)
    list.add(keyPrefix, key, isPlain ? value : attributeOf(value))
    at = close + 1
  }

  const attrs = list.finish()
  if (prefix === '') return new StartTag(name, list.inner, name, list, attrs, isEmpty, at + 1)
  if (prefix === 'xml') throw new XmlError('bad-namespace-prefix', 'no element has the prefix xml')
  return new StartTag(`${prefix}:${name}`, resolve(list.prefixes, prefix), name, list, attrs, isEmpty, at + 1)
}

/** XML elements: the one shape in which XML exists in this server. Elements never change after they are made. */

/**
 * Attributes by name. `xml:lang` and the like stand under that name; an attribute of any other namespace
 * stands under `{uri}local`.
 */
export type Attrs = Readonly<Record<string, string>>
export type Child = Element | string

/** A namespace that knows its element names: `Ping('ping')` builds, `el.child(Ping, 'ping')` finds, a typo does not compile. */
export interface Namespace<Name extends string = string> {
  (name: Name, attrs?: Record<string, string | undefined>, ...children: Child[]): Element
  readonly uri: string
}

export function namespace<Name extends string>(uri: string): Namespace<Name> {
  KNOWN.set(uri, uri)
  const make = (name: Name, attrs?: Record<string, string | undefined>, ...children: Child[]): Element =>
    new Element(uri, name, attrs === undefined ? NO_ATTRS : present(attrs), children)
  return Object.assign(make, { uri })
}

/** Namespaces that the code of this server names. Made while modules load, so that nothing received can make it grow. */
const KNOWN = new Map<string, string>()

/** The same namespace; for one that this server knows always the same string, which compares at once and keeps no received bytes alive. */
export function knownNamespace(uri: string): string {
  return KNOWN.get(uri) ?? uri
}

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
export const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/'

/** A record without a prototype: `constructor` and `__proto__` are names like any other. A class, since V8 is slow with `Object.create(null)`. */
export class Attributes {
  [name: string]: string
  static {
    Object.setPrototypeOf(Attributes.prototype, null)
    Reflect.deleteProperty(Attributes.prototype, 'constructor')
  }
}

export const NO_ATTRS: Attrs = Object.freeze(new Attributes())

export class Element {
  readonly ns: string
  readonly name: string
  readonly attrs: Attrs
  readonly children: readonly Child[]
  /** The children as XML, made once and shared with every copy that has the same children. */
  #inner: { xml: string | undefined; isFlat: boolean } | undefined

  constructor(ns: string, name: string, attrs: Attrs, children: readonly Child[]) {
    this.ns = ns
    this.name = name
    this.attrs = attrs
    this.children = children
  }

  /** One whose children are written already, as XML within its namespace; they are read when somebody asks for them. */
  static written(ns: string, name: string, xml: string, read: () => readonly Child[]): Element {
    const element = new Element(ns, name, NO_ATTRS, [])
    element.#inner = { xml, isFlat: true }
    let children: readonly Child[] | undefined
    return Object.defineProperty(element, 'children', { get: () => (children ??= read()), enumerable: true })
  }

  /** The first child of that name, if there is one. */
  child<Name extends string>(ns: Namespace<Name>, name: Name): Element | undefined {
    for (const child of this.children) if (typeof child !== 'string' && child.name === name && child.ns === ns.uri) return child
    return undefined
  }

  /** All children of that name. */
  all<Name extends string>(ns: Namespace<Name>, name: Name): Element[] {
    return this.elements().filter(child => child.name === name && child.ns === ns.uri)
  }

  elements(): Element[] {
    return this.children.filter(child => typeof child !== 'string')
  }

  /** The first child element, whatever it is. */
  first(): Element | undefined {
    for (const child of this.children) if (typeof child !== 'string') return child
    return undefined
  }

  is<Name extends string>(ns: Namespace<Name>, name: Name): boolean {
    return this.name === name && this.ns === ns.uri
  }

  /** The text directly inside, without that of child elements. */
  get text(): string {
    const [only] = this.children
    if (this.children.length === 1 && typeof only === 'string') return only
    return this.children.filter(child => typeof child === 'string').join('')
  }

  /** A copy with other attributes; `undefined` removes one. The children are shared, and so is their serialised form. */
  with(attrs: Record<string, string | undefined>): Element {
    const copy = new Element(this.ns, this.name, present({ ...this.attrs, ...attrs }), this.children)
    copy.#inner = this.#inner ??= { xml: undefined, isFlat: false }
    return copy
  }

  /** A copy with these children added at the end. */
  add(...children: Child[]): Element {
    return new Element(this.ns, this.name, this.attrs, [...this.children, ...children])
  }

  /** A copy without the children that the test picks; the element itself where it picks none. */
  without(test: (child: Element) => boolean): Element {
    const kept = this.children.filter(child => typeof child === 'string' || !test(child))
    return kept.length === this.children.length ? this : new Element(this.ns, this.name, this.attrs, kept)
  }

  /** As XML. `outer` is the namespace already in force, which need not be said again. */
  toString(outer = ''): string {
    let head = `<${this.name}`
    if (this.ns !== outer) head += ` xmlns='${escapeAttribute(this.ns)}'`
    let prefixes = 0
    for (const key in this.attrs) {
      const value = escapeAttribute(this.attrs[key]!)
      if (key.charCodeAt(0) === OPEN_BRACE) {
        const end = key.lastIndexOf('}')
        const prefix = `ns${prefixes++}`
        head += ` xmlns:${prefix}='${escapeAttribute(key.slice(1, end))}' ${prefix}:${key.slice(end + 1)}='${value}'`
      } else head += ` ${key}='${value}'`
    }
    const { inner } = this
    return inner === '' ? `${head}/>` : `${head}>${inner}</${this.name}>`
  }

  /** What is inside, as XML within the element's namespace; made once. */
  get inner(): string {
    const inner = (this.#inner ??= { xml: undefined, isFlat: false })
    if (inner.xml === undefined) inner.xml = this.#innerXml()
    else if (!inner.isFlat) inner.isFlat = flatten(inner.xml)
    return inner.xml
  }

  #innerXml(): string {
    let xml = ''
    for (const child of this.children) xml += typeof child === 'string' ? escapeText(child) : child.toString(this.ns)
    return xml
  }
}

const OPEN_BRACE = 123

/**
 * What was put together is a tree of its parts to V8, and whoever writes it to a socket walks through all of them. To look at a
 * character makes it one piece; that pays from the second time on that it is written.
 */
const flatten = (text: string): boolean => text.charCodeAt(0) >= 0

// With what no XML can hold (XML 1.0 §2.2); halves of surrogate pairs are no matter here, since UTF-8 encoders replace them.
const IN_TEXT = /[&<>\r\x00-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/
const IN_VALUE = /[&<>"'\x00-\x1F\uFFFE\uFFFF]/
const ALL_IN_TEXT = new RegExp(IN_TEXT, 'g')
const ALL_IN_VALUE = new RegExp(IN_VALUE, 'g')

/** Text with what XML gives a meaning escaped; `>` too, so that `]]>` cannot arise (XML 1.0 §2.4). What XML cannot hold becomes U+FFFD. */
export function escapeText(text: string): string {
  return IN_TEXT.test(text) ? text.replace(ALL_IN_TEXT, entity) : text
}

/** An attribute value in single or double quotes. Tab, newline and return become references, else parsing would change them (XML 1.0 §3.3.3). */
export function escapeAttribute(value: string): string {
  return IN_VALUE.test(value) ? value.replace(ALL_IN_VALUE, entity) : value
}

const entity = (character: string): string => ENTITIES[character] ?? '\uFFFD'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

function present(attrs: Record<string, string | undefined>): Attrs {
  const kept: Record<string, string> = new Attributes()
  for (const key in attrs) {
    const value = attrs[key]
    if (value !== undefined) kept[key] = value
  }
  return kept
}

import { Attributes, type Attrs, knownNamespace, NO_ATTRS, XML_NAMESPACE, XMLNS_NAMESPACE } from './element.ts'
import { type Binding, bind, type InForce, resolve } from './scope.ts'
import { malformed, XmlError } from './xml-error.ts'

interface Prefixed {
  readonly prefix: string
  readonly name: string
  readonly value: string
}

/** The attributes of one tag as they come in: namespace declarations apart, prefixes resolved when all of those are known. */
export class AttributeList {
  readonly #outer: InForce
  #attrs: Record<string, string> | undefined
  #prefixed: Prefixed[] | undefined
  #inner: string | undefined
  #prefixes: Binding | undefined
  /** Attributes that have a namespace, and the length of those namespaces, each as often as it is used. */
  foreign = 0
  foreignLength = 0

  constructor(outer: InForce) {
    this.#outer = outer
    this.#prefixes = outer.prefixes
  }

  /** The default namespace inside the element. */
  get inner(): string {
    return this.#inner ?? this.#outer.inner
  }

  get prefixes(): Binding | undefined {
    return this.#prefixes
  }

  add(prefix: string, name: string, value: string): void {
    if (prefix === '') {
      if (name === 'xmlns') this.#setInner(value)
      else this.#set(name, value)
    } else if (prefix === 'xmlns') this.#prefixes = bind(this.#prefixes, this.#outer.prefixes, name, knownNamespace(value))
    else (this.#prefixed ??= []).push({ prefix, name, value })
  }

  /** The default namespace is declared among them. */
  get hasInner(): boolean {
    return this.#inner !== undefined
  }

  /** To be called once, after all have been added. */
  finish(): Attrs {
    if (this.#prefixed !== undefined) {
      for (const { prefix, name, value } of this.#prefixed) {
        if (prefix === 'xml') this.#set(`xml:${name}`, value)
        else {
          const uri = resolve(this.#prefixes, prefix)
          this.foreign++
          this.foreignLength += uri.length
          this.#set(`{${uri}}${name}`, value)
        }
      }
    }
    return this.#attrs ?? NO_ATTRS
  }

  #set(key: string, value: string): void {
    const attrs = (this.#attrs ??= new Attributes())
    if (key in attrs) throw malformed('an attribute twice')
    attrs[key] = value
  }

  #setInner(uri: string): void {
    if (this.#inner !== undefined) throw malformed('an attribute twice')
    if (uri === XML_NAMESPACE || uri === XMLNS_NAMESPACE) throw new XmlError('bad-namespace-prefix', 'a namespace bound for good')
    this.#inner = knownNamespace(uri)
  }
}

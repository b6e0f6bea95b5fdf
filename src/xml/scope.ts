import { XML_NAMESPACE, XMLNS_NAMESPACE } from './element.ts'
import { MOST_PREFIXES } from './limits.ts'
import { malformed, XmlError } from './xml-error.ts'

/** A prefix in force, and those that were in force before it. */
export interface Binding {
  readonly prefix: string
  readonly uri: string
  readonly next: Binding | undefined
  readonly count: number
}

/** The namespaces in force inside an element, or around a document. */
export interface InForce {
  /** The default namespace. */
  readonly inner: string
  readonly prefixes: Binding | undefined
}

/** A namespace that is read as if it were the other. */
export interface Renaming {
  readonly from: string
  readonly to: string
}

/** `xmlns:prefix='uri'` on an element whose parent has `outer` in force and which has declared so far what `known` adds (Namespaces in XML 1.0 §3). */
export function bind(known: Binding | undefined, outer: Binding | undefined, prefix: string, uri: string): Binding | undefined {
  if (prefix === 'xmlns' || uri === XMLNS_NAMESPACE) throw new XmlError('bad-namespace-prefix', 'xmlns is bound for good')
  if ((prefix === 'xml') !== (uri === XML_NAMESPACE)) throw new XmlError('bad-namespace-prefix', 'xml is bound for good')
  if (uri === '') throw new XmlError('bad-namespace-prefix', 'a prefix bound to nothing')
  for (let binding = known; binding !== outer; binding = binding!.next) {
    if (binding!.prefix === prefix) throw malformed('a prefix declared twice')
  }
  const count = known === undefined ? 1 : known.count + 1
  if (count > MOST_PREFIXES) throw new XmlError('policy-violation', 'too many prefixes')
  return { prefix, uri, next: known, count }
}

/** The namespace of a prefix (Namespaces in XML 1.0 §5). */
export function resolve(bindings: Binding | undefined, prefix: string): string {
  if (prefix === 'xml') return XML_NAMESPACE
  for (let binding = bindings; binding !== undefined; binding = binding.next) if (binding.prefix === prefix) return binding.uri
  throw new XmlError('bad-namespace-prefix', 'an unbound prefix')
}

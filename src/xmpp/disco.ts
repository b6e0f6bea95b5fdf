import { type Element, namespace } from '../xml/element.ts'
import { Forms } from './forms.ts'

/** Service Discovery (XEP-0030): what an entity is and can do. */
export const DiscoInfo = namespace<'query' | 'identity' | 'feature'>('http://jabber.org/protocol/disco#info')
/** Service Discovery (XEP-0030): what belongs to an entity. */
export const DiscoItems = namespace<'query' | 'item'>('http://jabber.org/protocol/disco#items')

/** XEP-0030 §3.1; `lang` is its `xml:lang`. */
export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
  readonly lang?: string
}

/** What an entity says of itself. */
export interface Info {
  readonly identities: readonly Identity[]
  readonly features: Iterable<string>
  /** Extensions in forms (XEP-0128). */
  readonly forms: readonly Element[]
}

/** Something that belongs to an entity; without `node` the item is an entity itself. */
export interface Item {
  readonly jid: string
  readonly node?: string
  readonly name?: string
}

/** The answer to a request for information. That it is understood need not be among the features (§3.1). */
export function infoElement({ identities, features, forms }: Info, node?: string): Element {
  const described = identities.map(({ category, type, name, lang }) => DiscoInfo('identity', { category, type, name, 'xml:lang': lang }))
  const all = [...new Set(features).add(DiscoInfo.uri)].sort()
  return DiscoInfo('query', { node }, ...described, ...all.map(feature => DiscoInfo('feature', { var: feature })), ...forms)
}

/** The answer to a request for items. */
export function itemsElement(items: Iterable<Item>, node?: string): Element {
  return DiscoItems('query', { node }, ...Array.from(items, ({ jid, node, name }) => DiscoItems('item', { jid, node, name })))
}

/** What an answer says. Whatever is no identity, feature or form is passed over. */
export function readInfo(query: Element): Info {
  return {
    identities: query.all(DiscoInfo, 'identity').map(({ attrs }) => ({
      category: attrs['category'] ?? '',
      type: attrs['type'] ?? '',
      ...(attrs['name'] !== undefined && { name: attrs['name'] }),
      ...(attrs['xml:lang'] !== undefined && { lang: attrs['xml:lang'] }),
    })),
    features: query.all(DiscoInfo, 'feature').map(({ attrs }) => attrs['var'] ?? ''),
    forms: query.all(Forms, 'x'),
  }
}

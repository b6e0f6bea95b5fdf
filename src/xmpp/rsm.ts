import { type Element, namespace } from '../xml/element.ts'
import { StanzaError } from './error.ts'

/** Result Set Management (XEP-0059). */
export const Rsm = namespace<'set' | 'max' | 'after' | 'before' | 'index' | 'first' | 'last' | 'count'>('http://jabber.org/protocol/rsm')

/** Which part of a result is asked for. At most one of `after`, `before` and `index` is there; none asks for the first page. */
export interface PageRequest {
  /** Items at most; 0 asks for the count alone. */
  readonly max: number
  readonly after?: string
  /** '' asks for the last page (§2.5). */
  readonly before?: string
  readonly index?: number
}

/** Which part of a result is given: the ids of its ends, the index of its first item, and the size of the whole. */
export interface Page {
  readonly first?: string | undefined
  readonly last?: string | undefined
  readonly index?: number | undefined
  readonly count?: number | undefined
}

/** The `<set/>` within a request. `largest` is the most items of one page, and what is given when nothing is asked. Throws bad-request. */
export function readPage(request: Element, largest: number): PageRequest {
  const set = request.child(Rsm, 'set')
  if (set === undefined) return { max: largest }
  const max = Math.min(readNumber(set, 'max') ?? largest, largest)
  const index = readNumber(set, 'index')
  // An empty <after/> stands before the first item, as none does.
  const after = set.child(Rsm, 'after')?.text || undefined
  const before = set.child(Rsm, 'before')?.text
  const starts = { ...(after !== undefined && { after }), ...(before !== undefined && { before }), ...(index !== undefined && { index }) }
  if (Object.keys(starts).length > 1) throw new StanzaError('bad-request', 'a page begins at one place')
  return { max, ...starts }
}

function readNumber(set: Element, name: 'max' | 'index'): number | undefined {
  const text = set.child(Rsm, name)?.text
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new StanzaError('bad-request', `${name} is not a number`)
  return Number(text)
}

/** The `<set/>` that goes with a page; an empty page has neither first nor last (§2.2). */
export function pageElement({ first, last, index, count }: Page): Element {
  const set: Element[] = []
  if (first !== undefined) set.push(Rsm('first', { index: index?.toString() }, first))
  if (last !== undefined) set.push(Rsm('last', {}, last))
  if (count !== undefined) set.push(Rsm('count', {}, count.toString()))
  return Rsm('set', {}, ...set)
}

/** The id of the item behind or before which the page is. */
export const namedIn = ({ after, before }: PageRequest): string | undefined => after ?? (before || undefined)

/** Which of `count` items are asked for, from `start` until before `end`; `at` is where the one is that is named, -1 for nowhere. Throws item-not-found (§2.4). */
export function rangeOf({ max, after, before, index = 0 }: PageRequest, count: number, at = 0): { start: number; end: number } {
  if (at === -1 || index > count) throw new StanzaError('item-not-found', 'there is no such page')
  if (before !== undefined) {
    const end = before === '' ? count : at
    return { start: Math.max(0, end - max), end }
  }
  const start = after === undefined ? index : at + 1
  return { start, end: start + max }
}

/** Cuts a page out of a list that is in memory. Throws item-not-found where the id asked for is not in it (§2.4). */
export function pageOf<Item>(items: readonly Item[], idOf: (item: Item) => string, request: PageRequest): { items: Item[]; page: Page } {
  const named = namedIn(request)
  const { start, end } = rangeOf(request, items.length, named === undefined ? undefined : items.findIndex(item => idOf(item) === named))
  const cut = items.slice(start, end)
  return { items: cut, page: pageFrom(cut.map(idOf), start, items.length) }
}

/** What is said of a page of items with those ids, the first of which is the one at `start` of `count`. */
export const pageFrom = (ids: readonly string[], start: number, count: number): Page =>
  ids.length === 0 ? { count } : { first: ids[0], last: ids.at(-1), index: start, count }

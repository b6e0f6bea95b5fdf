import { type Element, namespace } from '../../xml/element.ts'
import { Jid } from '../../xmpp/jid.ts'

/** XEP-0402. */
export const Bookmarks = namespace<'conference' | 'nick' | 'password' | 'extensions'>('urn:xmpp:bookmarks:1')
/** XEP-0048. */
export const Storage = namespace<'storage' | 'conference' | 'nick' | 'password' | 'url'>('storage:bookmarks')

/** The bookmark of a room: the id of its item is the room’s address, however written. */
export interface Bookmark {
  readonly id: string
  readonly payload: Element
}

/** What makes one list of bookmarks another one. */
export interface Changes {
  readonly published: readonly Bookmark[]
  readonly retracted: readonly string[]
}

/**
 * All bookmarks as the one list that there was before XEP-0402 (§5.3.1); of `former`, such a list, what is no bookmark of a room, such
 * as that of a web page, stays.
 */
export function toStorage(bookmarks: Iterable<Bookmark>, former: Element | undefined): Element {
  const rooms = [...bookmarks].map(({ id, payload }) => toOld(id, payload))
  return Storage('storage', {}, ...rooms, ...(former?.elements() ?? []).filter(element => roomOf(element) === undefined))
}

function toOld(jid: string, { attrs, children }: Element): Element {
  const inside = children.flatMap(child => {
    if (typeof child === 'string') return []
    if (child.is(Bookmarks, 'extensions')) return child.elements().filter(({ ns }) => ns !== Storage.uri)
    return child.is(Bookmarks, 'nick') || child.is(Bookmarks, 'password') ? [Storage(child.name as 'nick', {}, child.text)] : []
  })
  return Storage('conference', { jid, name: attrs['name'], autojoin: attrs['autojoin'] }, ...inside)
}

/**
 * What a list in the old format, put in the place of `former`, changes (XEP-0402 §5.3.2): nothing of those that it leaves as they are, or
 * that `former` has not; it has all, unless it is given. Extensions that it does not repeat stay, since its clients do not know them.
 */
export function fromStorage(storage: Element, bookmarks: readonly Bookmark[], former = toStorage(bookmarks, undefined)): Changes {
  const known = new Map(bookmarks.map(bookmark => [normalRoom(bookmark.id), bookmark]))
  const seen = new Set(former.elements().map(roomOf))
  const listed = new Set<string>()
  const published: Bookmark[] = []
  for (const element of storage.elements()) {
    const room = roomOf(element)
    if (room === undefined || listed.has(room)) continue
    const there = known.get(room)
    const bookmark = { id: there?.id ?? room, payload: toNew(element, there?.payload) }
    listed.add(room)
    if (there === undefined || !isSame(there.payload, bookmark.payload)) published.push(bookmark)
  }
  // There may be several of a room, whose ids are written in different ways.
  const isGone = (room: string | undefined): boolean => room !== undefined && seen.has(room) && !listed.has(room)
  return { published, retracted: bookmarks.map(({ id }) => id).filter(id => isGone(normalRoom(id))) }
}

function toNew(conference: Element, former: Element | undefined): Element {
  const { name, autojoin } = conference.attrs
  const own = conference.elements().filter(({ ns }) => ns !== Storage.uri && ns !== Bookmarks.uri)
  const kept = former?.child(Bookmarks, 'extensions')?.elements() ?? []
  const repeated = new Map(own.toReversed().map(element => [nameOf(element), element]))
  const known = new Set(kept.map(nameOf))
  const extensions = [
    ...kept.map(element => repeated.get(nameOf(element)) ?? element),
    ...own.filter(element => !known.has(nameOf(element))),
  ]
  const inside = (['nick', 'password'] as const).flatMap(part => {
    const text = conference.child(Storage, part)?.text
    return text === undefined ? [] : [Bookmarks(part, {}, text)]
  })
  if (extensions.length > 0) inside.push(Bookmarks('extensions', {}, ...extensions))
  return Bookmarks('conference', { name, autojoin }, ...inside)
}

const nameOf = ({ name, ns }: Element): string => `${name} ${ns}`

/** Whether they say the same, with `1` for `true` and in whatever order. */
function isSame(one: Element, other: Element): boolean {
  const said = (element: Element): string =>
    JSON.stringify([
      element.attrs['name'] ?? '',
      isTrue(element.attrs['autojoin']),
      element.child(Bookmarks, 'nick')?.text ?? '',
      element.child(Bookmarks, 'password')?.text ?? '',
      (element.child(Bookmarks, 'extensions')?.elements() ?? []).map(String),
    ])
  return said(one) === said(other)
}

const isTrue = (value: string | undefined): boolean => value === 'true' || value === '1'

/** The room of which an element of a list is the bookmark; undefined of what is none. */
const roomOf = (element: Element): string | undefined => (element.is(Storage, 'conference') ? normalRoom(element.attrs['jid']) : undefined)

/** Characters that the id of an item may have. */
const LONGEST = 512

/** The room’s address as it is compared; undefined for what is none, or has no room in an id. */
export function normalRoom(jid = ''): string | undefined {
  try {
    const room = String(Jid.parsePrivately(jid.trim()).bare)
    return room.length <= LONGEST ? room : undefined
  } catch {
    return undefined
  }
}

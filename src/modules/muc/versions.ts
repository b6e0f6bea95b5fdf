/** XEP-0463: versions of who is affiliated with a room, each for what somebody may see of it. */
import { randomBytes } from 'node:crypto'
import type { Affiliation } from './standing.ts'

/** So many changes are remembered. */
const MOST_CHANGES = 100

const LISTS = ['owner', 'admin', 'member', 'outcast'] as const
/** The lists that somebody may see: a bit each. */
export type View = number

export const NO_VIEW: View = 0
export const viewOf = (sees: (list: (typeof LISTS)[number]) => boolean): View =>
  LISTS.reduce((view, list, i) => (sees(list) ? view | (1 << i) : view), NO_VIEW)

/** Whether the view has the list of that affiliation. Everybody sees who has none. */
const has = (view: View, affiliation: Affiliation): boolean => affiliation !== 'none' && (view & (1 << LISTS.indexOf(affiliation))) !== 0

/** What somebody is shown of an affiliation. */
export const shownIn = (view: View, affiliation: Affiliation): Affiliation => (has(view, affiliation) ? affiliation : 'none')

export interface AffiliationChange {
  /** The bare address. */
  readonly jid: string
  readonly from: Affiliation
  readonly to: Affiliation
}

/** From one version to another one, as somebody sees it. */
export interface Span {
  readonly since: string
  readonly until: string
}

interface Remembered extends AffiliationChange {
  /** Of all lists. */
  readonly since: string
  readonly until: string
}

/** A version is opaque to clients: that of all lists, and for which of them somebody knows it. */
export class Versions {
  readonly #changes: Remembered[] = []
  /** Of all lists. */
  #latest: string

  constructor(latest: string = newVersion()) {
    this.#latest = latest
  }

  /** To be kept: from there on changes are remembered again. */
  get latest(): string {
    return this.#latest
  }

  /** Gives the change by which `span` knows it. */
  add(change: AffiliationChange): AffiliationChange {
    const remembered = { ...change, since: this.#latest, until: newVersion() }
    this.#changes.push(remembered)
    this.#latest = remembered.until
    if (this.#changes.length > MOST_CHANGES) this.#changes.shift()
    return remembered
  }

  /** What somebody knows who has seen all that he may see. */
  of(view: View): string {
    return this.#before(this.#changes.length, view)
  }

  /** A change of late, as somebody sees it; undefined where he does not. */
  span(change: AffiliationChange, view: View): Span | undefined {
    const at = this.#changes.indexOf(change as Remembered)
    if (at === -1 || !isSeen(change, view)) return undefined
    return { since: this.#before(at, view), until: this.#before(at + 1, view) }
  }

  /** What has changed since that version, for somebody who sees that much; undefined where it is not known any more what has. */
  since(version: string, view: View): readonly AffiliationChange[] | undefined {
    if (version === this.of(view)) return []
    const { latest, known } = parsed(version)
    if ((known & view) !== view) return undefined
    const at = this.#changes.findIndex(({ since }) => since === latest)
    const seen = at === -1 ? [] : this.#changes.slice(at).filter(change => isSeen(change, view))
    return seen.length === 0 ? undefined : seen
  }

  /** The version after the last change that he sees, of those before one. */
  #before(at: number, view: View): string {
    const seen = this.#changes.findLast((change, i) => i < at && isSeen(change, view))
    return `${seen?.until ?? this.#changes[0]?.since ?? this.#latest}.${view.toString(16)}`
  }
}

const isSeen = ({ from, to }: AffiliationChange, view: View): boolean => has(view, from) || has(view, to)

function parsed(version: string): { latest: string; known: View } {
  const dot = version.lastIndexOf('.')
  const known = Number.parseInt(version.slice(dot + 1), 16)
  return dot === -1 || !(known >= 0) ? { latest: '', known: NO_VIEW } : { latest: version.slice(0, dot), known }
}

const newVersion = (): string => randomBytes(9).toString('base64url')

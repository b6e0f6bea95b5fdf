import type { Jid } from '../../xmpp/jid.ts'
import { nickKey } from './nick.ts'
import type { Affiliation } from './standing.ts'
import { type AffiliationChange, Versions } from './versions.ts'

/** Of somebody who is affiliated with a room. */
export interface Affiliated {
  readonly affiliation: Affiliation
  /** Reserved for him. */
  readonly nick?: string | undefined
  /** Why he is what he is, as he was told; unless too much is kept already. */
  readonly reason?: string | undefined
}

/** So many characters of reasons are kept in a room: all of them are written with each change of one. */
const MOST_REASONS = 200_000

/** Who is what in a room, for good: by bare address, or of outcasts also by domain (XEP-0045 §5.2, §9.2). */
export class Affiliations {
  readonly #all = new Map<string, Affiliated>()
  #reasons = 0
  /** Bare addresses by nick, as people tell nicks apart. */
  readonly #reserved = new Map<string, string>()
  /** XEP-0463: another one whenever somebody's affiliation has changed. */
  readonly versions: Versions

  constructor(all: Iterable<readonly [jid: string, affiliated: Affiliated]> = [], version?: string) {
    for (const [jid, affiliated] of all) this.#put(jid, affiliated)
    this.versions = new Versions(version)
  }

  get size(): number {
    return this.#all.size
  }

  entries(): Iterable<readonly [jid: string, affiliated: Affiliated]> {
    return this.#all
  }

  /** Bare addresses. */
  *having(affiliation: Affiliation): Iterable<string> {
    for (const [jid, each] of this.#all) if (each.affiliation === affiliation) yield jid
  }

  /** What stands under exactly that address. */
  get(bare: string): Affiliated | undefined {
    return this.#all.get(bare)
  }

  /** §9.2: what stands under his address counts; then he is banned with his domain. */
  of(who: Jid): Affiliation {
    const known = this.#all.get(String(who.bare))
    if (known !== undefined) return known.affiliation
    return this.#all.get(who.domain)?.affiliation === 'outcast' ? 'outcast' : 'none'
  }

  /** Whether nobody else would own the room. */
  isLastOwner(bare: string): boolean {
    if (this.#all.get(bare)?.affiliation !== 'owner') return false
    for (const owner of this.having('owner')) if (owner !== bare) return false
    return true
  }

  /** The bare address for which a nick is reserved, or one that people would take for it. */
  holderOf(nick: string): string | undefined {
    return this.#reserved.get(nickKey(nick))
  }

  nickOf(who: Jid): string | undefined {
    return this.#all.get(String(who.bare))?.nick
  }

  /** `'none'` forgets him. The nick must be nobody else's. Gives the change if the affiliation is another one now. */
  set(jid: string, affiliated: Affiliated): AffiliationChange | undefined {
    const from = this.#all.get(jid)?.affiliation ?? 'none'
    this.#put(jid, affiliated)
    if (from === affiliated.affiliation) return undefined
    return this.versions.add({ jid, from, to: affiliated.affiliation })
  }

  #put(bare: string, { affiliation, nick, reason }: Affiliated): void {
    const before = this.#all.get(bare)
    if (before?.nick !== undefined) this.#reserved.delete(nickKey(before.nick))
    this.#reasons -= before?.reason?.length ?? 0
    this.#all.delete(bare)
    if (affiliation === 'none') return
    // §9.1: an outcast has none.
    const reserved = affiliation === 'outcast' ? undefined : nick
    const isKept = reason !== undefined && this.#reasons + reason.length <= MOST_REASONS
    this.#reasons += isKept ? reason.length : 0
    this.#all.set(bare, { affiliation, ...(reserved !== undefined && { nick: reserved }), ...(isKept && { reason }) })
    if (reserved !== undefined) this.#reserved.set(nickKey(reserved), bare)
  }
}

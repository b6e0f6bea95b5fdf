import type { Session } from '../../core/session.ts'
import type { Jid } from '../../xmpp/jid.ts'

/** To whom each session has sent presence beyond its subscribers, and has not taken it back (RFC 6121 §4.6). */
export class DirectedPresence {
  /** Full addresses by their bare ones. */
  readonly #targets = new WeakMap<Session, Map<string, Set<string>>>()

  add(session: Session, to: Jid): void {
    const bares = this.#targets.get(session) ?? new Map<string, Set<string>>()
    this.#targets.set(session, bares)
    const bare = String(to.bare)
    const fulls = bares.get(bare)
    if (fulls === undefined) bares.set(bare, new Set([String(to)]))
    else fulls.add(String(to))
  }

  remove(session: Session, to: Jid): void {
    const bares = this.#targets.get(session)
    const fulls = bares?.get(String(to.bare))
    if (fulls?.delete(String(to)) && fulls.size === 0) bares?.delete(String(to.bare))
  }

  has(session: Session, to: Jid): boolean {
    return this.#targets.get(session)?.get(String(to.bare))?.has(String(to)) ?? false
  }

  /** Whether it has sent presence there or to anyone with the same bare address: a room is one, whoever speaks in it. */
  reaches(session: Session, to: Jid): boolean {
    return this.#targets.get(session)?.has(String(to.bare)) ?? false
  }

  count(session: Session): number {
    let all = 0
    for (const fulls of this.#targets.get(session)?.values() ?? []) all += fulls.size
    return all
  }

  targets(session: Session): string[] {
    return [...(this.#targets.get(session)?.values() ?? [])].flatMap(fulls => [...fulls])
  }

  /** Forgets them all, and tells who they were. */
  takeAll(session: Session): string[] {
    const all = this.targets(session)
    this.#targets.delete(session)
    return all
  }
}

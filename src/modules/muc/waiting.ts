import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'

/** So many wait for an admin in each room; of one server that is not this one half of them. */
const MOST = 50
/** Whom no admin has answered by then waits no longer. */
const WAITS = 7 * 86_400_000

/** Who would like to be a member of a room, with the nick that he wants. In memory alone. */
export class Waiting {
  /** By bare address, the first one first. */
  readonly #all = new Map<string, { readonly nick: string; readonly domain: string; readonly until: number }>()

  /** Whether that is new. Throws where too many wait already. */
  add(who: Jid, nick: string, isLocal: boolean, now: number): boolean {
    const jid = String(who.bare)
    const known = this.nickOf(jid, now)
    if (known === undefined) this.#mustHavePlace(who.domain, isLocal)
    this.#all.delete(jid)
    this.#all.set(jid, { nick, domain: who.domain, until: now + WAITS })
    return known !== nick
  }

  /** Undefined of somebody who does not wait. */
  nickOf(jid: string, now: number): string | undefined {
    this.#forgetOld(now)
    return this.#all.get(jid)?.nick
  }

  *all(now: number): Iterable<readonly [jid: string, nick: string]> {
    this.#forgetOld(now)
    for (const [jid, { nick }] of this.#all) yield [jid, nick]
  }

  delete(jid: string): void {
    this.#all.delete(jid)
  }

  #mustHavePlace(domain: string, isLocal: boolean): void {
    const fromThere = isLocal ? 0 : this.#all.values().reduce((sum, each) => sum + Number(each.domain === domain), 0)
    if (this.#all.size >= MOST || fromThere >= MOST / 2) throw new StanzaError('resource-constraint', 'too many are waiting')
  }

  #forgetOld(now: number): void {
    for (const [jid, { until }] of this.#all) {
      if (until > now) return
      this.#all.delete(jid)
    }
  }
}

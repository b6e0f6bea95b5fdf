import type { Account } from '../../core/account.ts'
import type { Session } from '../../core/session.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import type { RosterApi } from '../roster/roster.ts'
import { may, type Standing } from './access.ts'
import type { Listeners } from './listeners.ts'
import type { Node } from './node.ts'
import { type NodeConfig, usualOfAccount } from './node-config.ts'
import { Place, type Receiver } from './place.ts'

interface Surroundings {
  readonly roster: RosterApi
  isBlocked(account: Account, other: Jid): boolean
  /** Who is available, and what he wants to hear of. */
  readonly listeners: Listeners
}

/** Every account a pubsub service (XEP-0163 §2.1). */
export class AccountPlace extends Place {
  readonly kind = 'account'
  readonly account: Account
  readonly #around: Surroundings

  constructor(account: Account, around: Surroundings, ...base: ConstructorParameters<typeof Place>) {
    super(...base)
    this.account = account
    this.#around = around
  }

  get jid(): Jid {
    return this.account.jid
  }

  get owner(): string {
    return this.account.name
  }

  usual(node: string): NodeConfig {
    return usualOfAccount(node)
  }

  isOwn(who: Jid): boolean {
    return who.bare.equals(this.account.jid)
  }

  mustCreate(who: Jid): void {
    if (!this.isOwn(who)) throw new StanzaError('forbidden')
  }

  autoCreates(who: Jid): boolean {
    return this.isOwn(who)
  }

  standingOf(node: Node, who: Jid): Standing {
    const { account } = this
    const { roster } = this.#around
    const bare = String(who.bare)
    if (this.isOwn(who)) return { affiliation: 'owner', isSubscribed: true, seesPresence: true, groups: [] }
    return {
      affiliation: node.affiliations.get(bare) ?? 'none',
      isSubscribed: isSubscribed(node, who),
      seesPresence: roster.isSubscriber(account, who),
      groups: roster.groupsOf(account, who),
    }
  }

  /** Strangers must not learn which accounts there are, nor which nodes: to them it looks as if there were none, but for what is meant for all. */
  protected mustKnow(node: Node | undefined, who: Jid): void {
    if (this.isOwn(who) || this.#around.roster.isSubscriber(this.account, who)) return
    if (node === undefined || !isForStrangers(node, who)) throw new StanzaError('service-unavailable')
  }

  /** XEP-0163 §4.3: clients of the owner and of contacts that are available and want to hear of the node, and who has subscribed to it. */
  *receivers(node: Node): Iterable<Receiver> {
    const { account } = this
    const { listeners } = this.#around
    for (const session of listeners.own(account, node.name)) yield { ...ofSession(session), seesPresence: true }
    const present = new Set<string>()
    for (const { jid, interests } of listeners.others(account)) {
      present.add(String(jid.bare))
      if (!interests?.has(node.name)) continue
      const standing = this.#mayHear(node, jid)
      if (standing === undefined) continue
      present.add(String(jid))
      yield { to: String(jid), seesPresence: standing.seesPresence }
    }
    for (const { jid, state, options } of node.subscriptions.values()) {
      // §4.3.2: where it is known which clients there are, those are notified that want to be.
      if (state !== 'subscribed' || !options.deliver || present.has(jid)) continue
      const standing = this.#mayHear(node, Jid.parse(jid))
      if (standing !== undefined) yield { to: jid, seesPresence: standing.seesPresence }
    }
  }

  /** What somebody is to the node who may be notified. XEP-0163 §4.3.3: nobody who is blocked. */
  #mayHear(node: Node, jid: Jid): Standing | undefined {
    const standing = this.standingOf(node, jid)
    return may('retrieve', standing, node.config) && !this.#around.isBlocked(this.account, jid) ? standing : undefined
  }
}

const ofSession = (session: Session): Pick<Receiver, 'to' | 'deliver'> => ({
  to: String(session.jid),
  deliver: message => session.send(message),
})

const isSubscribed = ({ subscriptions }: Node, who: Jid): boolean =>
  subscriptions.get(String(who))?.state === 'subscribed' || subscriptions.get(String(who.bare))?.state === 'subscribed'

function isForStrangers({ config, affiliations, subscriptions }: Node, who: Jid): boolean {
  if (config.accessModel === 'open' || config.accessModel === 'authorize' || config.publishModel === 'open') return true
  return affiliations.has(String(who.bare)) || subscriptions.has(String(who)) || subscriptions.has(String(who.bare))
}

import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Standing } from './access.ts'
import type { Node } from './node.ts'
import { type NodeConfig, USUAL_OF_SERVICE } from './node-config.ts'
import { Place, type Receiver } from './place.ts'
import { isCurrent } from './subscription.ts'

interface Service {
  readonly jid: Jid
  /** Whether somebody may make nodes. */
  mayCreate(who: Jid): boolean
  /** How many each may make. */
  readonly nodesOfOne: number
}

/** The service of a domain (XEP-0060), which knows nobody's presence or roster. Its rows stand under no account. */
export class ServicePlace extends Place {
  readonly kind = 'service'
  readonly owner = ''
  readonly jid: Jid
  readonly #service: Service

  constructor(service: Service, ...base: ConstructorParameters<typeof Place>) {
    super(...base)
    this.jid = service.jid
    this.#service = service
  }

  usual(): NodeConfig {
    return USUAL_OF_SERVICE
  }

  isOwn(): boolean {
    return false
  }

  mustCreate(who: Jid): void {
    if (!this.#service.mayCreate(who)) throw new StanzaError('forbidden')
    const bare = String(who.bare)
    const own = [...this.all()].filter(({ creator }) => creator === bare).length
    if (own >= this.#service.nodesOfOne) throw new StanzaError('resource-constraint', 'you have too many nodes here')
  }

  autoCreates(): boolean {
    return false
  }

  standingOf(node: Node, who: Jid): Standing {
    const bare = String(who.bare)
    const now = this.clock.now()
    const isSubscribed = [String(who), bare].some(jid => isCurrent(node.subscriptions.get(jid), now))
    return { affiliation: node.affiliations.get(bare) ?? 'none', isSubscribed, seesPresence: false, groups: [] }
  }

  *ownersOf({ affiliations }: Node): Iterable<string> {
    for (const [jid, affiliation] of affiliations) if (affiliation === 'owner') yield jid
  }

  knows(): boolean {
    return true
  }

  mustKnow(): void {}

  mustKnowPlace(): void {}

  *receivers(node: Node): Iterable<Receiver> {
    const now = this.clock.now()
    for (const subscription of node.subscriptions.values()) {
      if (isCurrent(subscription, now) && subscription.options.deliver) yield { to: subscription.jid, seesPresence: false }
    }
  }
}

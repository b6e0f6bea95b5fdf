import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may, type Standing } from './access.ts'
import type { Node } from './node.ts'
import { type NodeConfig, USUAL_OF_SERVICE } from './node-config.ts'
import { Place, type Receiver, type Share } from './place.ts'
import { ClearRows } from './rows.ts'
import { bareOf, isCurrent } from './subscription.ts'
import { Tally } from './tally.ts'

/** The service knows nobody's presence or roster. */
const SUBSCRIBER = { isSubscribed: true, seesPresence: false, groups: [] } as const

interface Service {
  readonly jid: Jid
  /** Whether somebody may make nodes. */
  mayCreate(who: Jid): boolean
  /** Of the nodes that one person has made. */
  readonly share: Share
}

/** The service of a domain (XEP-0060), which knows nobody's presence or roster. Its rows stand under no account. */
export class ServicePlace extends Place {
  readonly kind = 'service'
  readonly owner = ''
  readonly jid: Jid
  readonly #service: Service
  /** Of items, by who has made their nodes. */
  readonly #sizes = new Map<string, Tally>()

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
  }

  override get share(): Share {
    return this.#service.share
  }

  override async mustHaveRoom(creator: string, more: number): Promise<void> {
    await super.mustHaveRoom(creator, more)
    const size = this.#sizes.get(creator) ?? new Tally(() => new ClearRows(this.db, this.owner).sizeOf(creator))
    this.#sizes.set(creator, size)
    if (!(await size.hasRoom(more, this.share.bytes))) throw new StanzaError('resource-constraint', 'there is no room for more of yours')
  }

  override grow(creator: string, more: number): void {
    super.grow(creator, more)
    this.#sizes.get(creator)?.grow(more)
  }

  override forget(): void {
    super.forget()
    this.#sizes.clear()
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
      if (!isCurrent(subscription, now) || !subscription.options.deliver) continue
      const affiliation = node.affiliations.get(bareOf(subscription.jid)) ?? 'none'
      if (may('retrieve', { ...SUBSCRIBER, affiliation }, node.config)) yield { to: subscription.jid, seesPresence: false }
    }
  }
}

/** Who may do what with a node: XEP-0060 §4.1 (affiliations) and §4.5 (access models), as tables. */
import { StanzaError } from '../../xmpp/error.ts'
import type { AccessModel, NodeConfig, PublishModel } from './node-config.ts'
import { refusal } from './refusal.ts'

export const AFFILIATIONS = ['owner', 'publisher', 'publish-only', 'member', 'none', 'outcast'] as const
export type Affiliation = (typeof AFFILIATIONS)[number]

/** `retract`: items of others, too; everyone who may publish may retract his own. `own`: all that only owners do. */
export type Action = 'subscribe' | 'retrieve' | 'publish' | 'retract' | 'own'

/** What somebody is to a node. */
export interface Standing {
  readonly affiliation: Affiliation
  readonly isSubscribed: boolean
  /** He may see the presence of the account whose node it is. */
  readonly seesPresence: boolean
  /** Those of the account's roster groups that he is in. */
  readonly groups: readonly string[]
}

/** `model` leaves it to the node's access model, or to its publish model. */
type Right = 'yes' | 'no' | 'model'

const RIGHTS: Readonly<Record<Affiliation, Readonly<Record<Action, Right>>>> = {
  owner: { subscribe: 'yes', retrieve: 'yes', publish: 'yes', retract: 'yes', own: 'yes' },
  publisher: { subscribe: 'yes', retrieve: 'yes', publish: 'yes', retract: 'no', own: 'no' },
  'publish-only': { subscribe: 'no', retrieve: 'no', publish: 'yes', retract: 'no', own: 'no' },
  member: { subscribe: 'yes', retrieve: 'yes', publish: 'model', retract: 'no', own: 'no' },
  none: { subscribe: 'model', retrieve: 'model', publish: 'model', retract: 'no', own: 'no' },
  outcast: { subscribe: 'no', retrieve: 'no', publish: 'no', retract: 'no', own: 'no' },
}

const closedNode = (): StanzaError => refusal('not-allowed', 'closed-node')
const forbidden = (): StanzaError => new StanzaError('forbidden')

/** Why it is not open to somebody without an affiliation; `'pending'`: an owner must say yes. */
type Answer = undefined | 'pending' | StanzaError

const ACCESS: Readonly<Record<AccessModel, (action: 'subscribe' | 'retrieve', standing: Standing, config: NodeConfig) => Answer>> = {
  open: () => undefined,
  presence: (_, { seesPresence }) => (seesPresence ? undefined : refusal('not-authorized', 'presence-subscription-required')),
  roster(_, { seesPresence, groups }, { rosterGroups }) {
    if (!seesPresence) return refusal('not-authorized', 'presence-subscription-required')
    return groups.some(group => rosterGroups.includes(group)) ? undefined : refusal('not-authorized', 'not-in-roster-group')
  },
  authorize(action, { isSubscribed }) {
    if (isSubscribed) return undefined
    return action === 'subscribe' ? 'pending' : refusal('not-authorized', 'not-subscribed')
  },
  whitelist: closedNode,
}

const PUBLISHING: Readonly<Record<PublishModel, (standing: Standing) => boolean>> = {
  publishers: () => false,
  subscribers: ({ isSubscribed }) => isSubscribed,
  open: () => true,
}

/** Undefined where it is allowed; else the error that the XEP names for it (§6.1.3, §6.5.9, §7.1.3, §8). */
export function refusalOf(action: Action, standing: Standing, config: NodeConfig): StanzaError | 'pending' | undefined {
  const right = RIGHTS[standing.affiliation][action]
  if (right === 'yes') return undefined
  if (right === 'no') return forbidden()
  if (action === 'publish') return PUBLISHING[config.publishModel](standing) ? undefined : forbidden()
  return ACCESS[config.accessModel](action as 'subscribe' | 'retrieve', standing, config)
}

export const may = (action: Action, standing: Standing, config: NodeConfig): boolean => refusalOf(action, standing, config) === undefined

/** Throws the StanzaError. A subscription that waits for an owner is for `refusalOf` to ask about. */
export function must(action: Action, standing: Standing, config: NodeConfig): void {
  const refused = refusalOf(action, standing, config)
  if (refused instanceof StanzaError) throw refused
}

/** §4.5: whether nobody but the owner reads or writes it, or ever learns of it. */
export function isPrivate({ accessModel, publishModel }: NodeConfig, affiliations: ReadonlyMap<string, Affiliation>): boolean {
  if (accessModel !== 'whitelist' || publishModel !== 'publishers') return false
  return affiliations.values().every(affiliation => affiliation === 'outcast')
}

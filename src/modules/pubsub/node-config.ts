/** How a node behaves: what its owner can set (XEP-0060 §16.4.4). */
export const ACCESS_MODELS = ['authorize', 'open', 'presence', 'roster', 'whitelist'] as const
export type AccessModel = (typeof ACCESS_MODELS)[number]
export const PUBLISH_MODELS = ['publishers', 'subscribers', 'open'] as const
export type PublishModel = (typeof PUBLISH_MODELS)[number]
export const WHEN_FULL = ['retract-oldest', 'discard-oldest', 'reject'] as const
export const WHEN_TO_SEND_LAST = ['never', 'on_sub', 'on_sub_and_presence'] as const
export const NOTIFICATION_TYPES = ['normal', 'headline'] as const
export const REPLY_TO = ['owner', 'publisher', 'none'] as const

export interface NodeConfig {
  readonly title: string
  readonly description: string
  readonly language: string
  /** Bare or full addresses. */
  readonly contact: readonly string[]
  /** The meaning of what is published, usually the namespace of the payloads. */
  readonly type: string
  readonly dataformXslt: string
  readonly accessModel: AccessModel
  readonly rosterGroups: readonly string[]
  readonly publishModel: PublishModel
  readonly subscribe: boolean
  readonly persistItems: boolean
  /** `'max'`: as many as there may be in any node. */
  readonly maxItems: number | 'max'
  /** In seconds; `'max'`: they stay. */
  readonly itemExpire: number | 'max'
  /** In bytes; `'max'`: as much as there may be in any node. */
  readonly maxPayloadSize: number | 'max'
  readonly whenFull: (typeof WHEN_FULL)[number]
  readonly sendLast: (typeof WHEN_TO_SEND_LAST)[number]
  readonly deliverNotifications: boolean
  readonly deliverPayloads: boolean
  readonly notificationType: (typeof NOTIFICATION_TYPES)[number]
  readonly notifyConfig: boolean
  readonly notifyDelete: boolean
  readonly notifyRetract: boolean
  readonly notifySub: boolean
  readonly itemReply: (typeof REPLY_TO)[number]
  readonly presenceBased: boolean
  readonly tempsub: boolean
  readonly purgeOffline: boolean
}

/** What is not stored of a node is as it is here. So nothing here ever changes: databases out there rely on it. */
export const INITIAL: NodeConfig = Object.freeze({
  title: '',
  description: '',
  language: '',
  contact: [],
  type: '',
  dataformXslt: '',
  accessModel: 'presence',
  rosterGroups: [],
  publishModel: 'publishers',
  subscribe: true,
  persistItems: true,
  maxItems: 1,
  itemExpire: 'max',
  maxPayloadSize: 'max',
  whenFull: 'retract-oldest',
  sendLast: 'on_sub_and_presence',
  deliverNotifications: true,
  deliverPayloads: true,
  notificationType: 'headline',
  notifyConfig: false,
  notifyDelete: true,
  notifyRetract: true,
  notifySub: false,
  itemReply: 'none',
  presenceBased: false,
  tempsub: false,
  purgeOffline: false,
})

/** What differs from `INITIAL`, in JSON. */
export function writeConfig(config: NodeConfig): string {
  const initial: Readonly<Record<string, unknown>> = { ...INITIAL }
  const isOther = ([key, value]: [string, unknown]): boolean => JSON.stringify(value) !== JSON.stringify(initial[key])
  return JSON.stringify(Object.fromEntries(Object.entries(config).filter(isOther)))
}

export const readConfig = (json: string): NodeConfig => ({ ...INITIAL, ...JSON.parse(json) })

/** How a new node of an account is if its owner says nothing: by presence, and the last item alone (XEP-0163 §5). */
const OF_ACCOUNTS = INITIAL

/** What nobody but the owner is meant to read, whatever the client says or forgets. */
const PRIVATE: NodeConfig = { ...INITIAL, accessModel: 'whitelist', maxItems: 'max', sendLast: 'never' }

const OF_KNOWN_NODES: ReadonlyMap<string, NodeConfig> = new Map([
  // XEP-0402 §3 and XEP-0048 §3.2, which publishes all bookmarks as one item.
  ['urn:xmpp:bookmarks:1', PRIVATE],
  ['storage:bookmarks', { ...PRIVATE, maxItems: 1, sendLast: 'on_sub_and_presence' }],
  // XEP-0490 §3.
  ['urn:xmpp:mds:displayed:0', PRIVATE],
])

export const usualOfAccount = (node: string): NodeConfig => OF_KNOWN_NODES.get(node) ?? OF_ACCOUNTS

/** The same of the service: open to all, and with a history (XEP-0060 §4.5). */
export const USUAL_OF_SERVICE: NodeConfig = Object.freeze({ ...INITIAL, accessModel: 'open', maxItems: 'max', sendLast: 'never' })

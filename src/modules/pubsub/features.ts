/** What service discovery says of an account and of the service (XEP-0060 §10). */
const NAMESPACE = 'http://jabber.org/protocol/pubsub'

const BOTH = [
  'config-node',
  'config-node-max',
  'create-and-configure',
  'create-nodes',
  'delete-items',
  'delete-nodes',
  'instant-nodes',
  'item-ids',
  'leased-subscription',
  'manage-subscriptions',
  'member-affiliation',
  'meta-data',
  'modify-affiliations',
  'multi-items',
  'outcast-affiliation',
  'persistent-items',
  'publish',
  'publish-node-full',
  'publish-only-affiliation',
  'publish-options',
  'publisher-affiliation',
  'purge-nodes',
  'retract-items',
  'retrieve-affiliations',
  'retrieve-default',
  'retrieve-default-sub',
  'retrieve-items',
  'retrieve-subscriptions',
  'rsm',
  'subscribe',
  'subscription-notifications',
  'subscription-options',
]

/** XEP-0163 §6.1, XEP-0060 §9. */
const OF_ACCOUNTS = [
  'access-presence',
  'auto-create',
  'auto-subscribe',
  'filtered-notifications',
  'get-pending',
  'last-published',
  'presence-notifications',
  'presence-subscribe',
  'pubsub-on-a-jid',
]

const named = (names: readonly string[]): string[] => [NAMESPACE, ...names.map(name => `${NAMESPACE}#${name}`)]

export const ACCOUNT_FEATURES: readonly string[] = named([...BOTH, ...OF_ACCOUNTS])
export const SERVICE_FEATURES: readonly string[] = ['http://jabber.org/protocol/disco#items', ...named([...BOTH, 'access-open'])]

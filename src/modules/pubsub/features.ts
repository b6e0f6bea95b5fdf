/** What service discovery says of an account and of the service (XEP-0060 §10). */
const NAMESPACE = 'http://jabber.org/protocol/pubsub'

const BOTH = [
  'delete-items',
  'item-ids',
  'multi-items',
  'persistent-items',
  'publish',
  'publish-options',
  'purge-nodes',
  'retract-items',
  'retrieve-items',
  'rsm',
]

/** XEP-0163 §6.1: of every account. */
const OF_ACCOUNTS = [
  'access-presence',
  'auto-create',
  'auto-subscribe',
  'filtered-notifications',
  'last-published',
  'presence-notifications',
  'presence-subscribe',
  'pubsub-on-a-jid',
]

const named = (names: readonly string[]): string[] => [NAMESPACE, ...names.map(name => `${NAMESPACE}#${name}`)]

export const ACCOUNT_FEATURES: readonly string[] = named([...BOTH, ...OF_ACCOUNTS])

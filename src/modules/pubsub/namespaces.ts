import { namespace } from '../../xml/element.ts'

/** What users of nodes say (XEP-0060 §18.1). */
export const PubSub = namespace<
  | 'affiliation'
  | 'affiliations'
  | 'configure'
  | 'create'
  | 'default'
  | 'item'
  | 'items'
  | 'options'
  | 'publish'
  | 'publish-options'
  | 'pubsub'
  | 'retract'
  | 'subscribe'
  | 'subscribe-options'
  | 'subscription'
  | 'subscriptions'
  | 'unsubscribe'
>('http://jabber.org/protocol/pubsub')

/** What owners of nodes say. */
export const PubSubOwner = namespace<
  | 'affiliation'
  | 'affiliations'
  | 'configure'
  | 'default'
  | 'delete'
  | 'item'
  | 'items'
  | 'publish'
  | 'purge'
  | 'pubsub'
  | 'redirect'
  | 'retract'
  | 'subscribe'
  | 'subscription'
  | 'subscriptions'
>('http://jabber.org/protocol/pubsub#owner')

/** What the service says of its own accord. */
export const PubSubEvent = namespace<
  | 'affiliations'
  | 'affiliation'
  | 'configuration'
  | 'delete'
  | 'event'
  | 'item'
  | 'items'
  | 'purge'
  | 'redirect'
  | 'retract'
  | 'subscription'
>('http://jabber.org/protocol/pubsub#event')

/** The forms (XEP-0060 §16.4). */
export const NODE_CONFIG = 'http://jabber.org/protocol/pubsub#node_config'
export const PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'
export const META_DATA = 'http://jabber.org/protocol/pubsub#meta-data'
export const SUBSCRIBE_OPTIONS = 'http://jabber.org/protocol/pubsub#subscribe_options'
export const SUBSCRIBE_AUTHORIZATION = 'http://jabber.org/protocol/pubsub#subscribe_authorization'

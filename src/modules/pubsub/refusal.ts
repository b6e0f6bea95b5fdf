import { type Element, namespace } from '../../xml/element.ts'
import { type Condition, type ErrorType, StanzaError } from '../../xmpp/error.ts'

/** XEP-0060 §17.2. */
export type PubSubCondition =
  | 'closed-node'
  | 'configuration-required'
  | 'invalid-jid'
  | 'invalid-options'
  | 'invalid-payload'
  | 'invalid-subid'
  | 'item-forbidden'
  | 'item-required'
  | 'jid-required'
  | 'max-items-exceeded'
  | 'max-nodes-exceeded'
  | 'node-full'
  | 'nodeid-required'
  | 'not-in-roster-group'
  | 'not-subscribed'
  | 'payload-required'
  | 'payload-too-big'
  | 'pending-subscription'
  | 'precondition-not-met'
  | 'presence-subscription-required'
  | 'too-many-subscriptions'
  | 'unsupported'
  | 'unsupported-access-model'

const Errors = namespace<PubSubCondition>('http://jabber.org/protocol/pubsub#errors')

/** An error with a condition of pubsub's own beside that of the stanza. */
export function refusal(condition: Condition, of: PubSubCondition, text = '', type?: ErrorType): StanzaError {
  return withExtra(condition, Errors(of), text, type)
}

/** The service or the node cannot do that; `feature` is its name in service discovery. */
export const unsupported = (feature: string, text = ''): StanzaError =>
  withExtra('feature-not-implemented', Errors('unsupported', { feature }), text)

const withExtra = (condition: Condition, extra: Element, text: string, type?: ErrorType): StanzaError =>
  new StanzaError(condition, text, type === undefined ? { extra } : { extra, type })

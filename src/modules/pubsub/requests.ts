/** Which request is answered where: XEP-0060 by the element that says what is wanted. */
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { answerAffiliations, answerSetAffiliations } from './affiliations.ts'
import { answerConfiguration, answerConfigure, answerDefaultConfiguration } from './configure.ts'
import type { Context } from './context.ts'
import { answerCreate } from './create.ts'
import { answerDelete } from './delete.ts'
import { answerItems } from './items.ts'
import { PubSub, PubSubOwner } from './namespaces.ts'
import { answerDefaultOptions, answerOptions, answerSetOptions } from './options.ts'
import { answerOwnAffiliations, answerOwnSubscriptions } from './own-lists.ts'
import type { Place } from './place.ts'
import { answerPublish } from './publish.ts'
import { answerPurge, answerRetract } from './retract.ts'
import { answerSubscribe, answerUnsubscribe } from './subscribe.ts'
import { answerSetSubscriptions, answerSubscriptions } from './subscriptions.ts'

type Answer = (context: Context, place: Place, from: Jid, pubsub: Element) => Promise<Element | void>
type Answers = ReadonlyMap<string, Answer>

/** What everyone may ask, as far as his standing with the node allows (§5 to §8.1). */
const ENTITY_GET: Answers = new Map<string, Answer>([
  ['affiliations', answerOwnAffiliations],
  ['default', answerDefaultOptions],
  ['items', answerItems],
  ['options', answerOptions],
  ['subscriptions', answerOwnSubscriptions],
])
const ENTITY_SET: Answers = new Map<string, Answer>([
  ['create', answerCreate],
  ['options', answerSetOptions],
  ['publish', answerPublish],
  ['retract', answerRetract],
  ['subscribe', answerSubscribe],
  ['unsubscribe', answerUnsubscribe],
])

/** What owners may (§8.2 to §8.9). */
const OWNER_GET: Answers = new Map<string, Answer>([
  ['affiliations', answerAffiliations],
  ['configure', answerConfiguration],
  ['default', answerDefaultConfiguration],
  ['subscriptions', answerSubscriptions],
])
const OWNER_SET: Answers = new Map<string, Answer>([
  ['affiliations', answerSetAffiliations],
  ['configure', answerConfigure],
  ['delete', answerDelete],
  ['purge', answerPurge],
  ['subscriptions', answerSetSubscriptions],
])

export const REQUESTS = [
  { ns: PubSub, type: 'get', answers: ENTITY_GET },
  { ns: PubSub, type: 'set', answers: ENTITY_SET },
  { ns: PubSubOwner, type: 'get', answers: OWNER_GET },
  { ns: PubSubOwner, type: 'set', answers: OWNER_SET },
] as const

/**
 * In the place's turn, when it has been loaded. What comes with a request, such as options, stands behind it: the first element that is a
 * request counts, but that options alone are one, too.
 */
export async function answer(answers: Answers, context: Context, place: Place, from: Jid, pubsub: Element): Promise<Element | void> {
  place.mustKnowPlace(from)
  const names = pubsub
    .elements()
    .filter(({ ns }) => ns === pubsub.ns)
    .map(({ name }) => name)
  const name = names.find(each => each !== 'options' && answers.has(each)) ?? names.find(each => answers.has(each))
  if (name === undefined) throw new StanzaError(names.length === 0 ? 'bad-request' : 'feature-not-implemented')
  return answers.get(name)!(context, place, from, pubsub)
}

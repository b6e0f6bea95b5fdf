// XEP-0060 §8.6: manage subscription requests; §8.7: process pending subscription requests

import { randomUUID } from 'node:crypto'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Form, Forms, formElement, readForm } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { Context } from './context.ts'
import { SUBSCRIBE_AUTHORIZATION } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import type { Subscription } from './subscription.ts'
import { askedOwners, changeSubscriptions, ended, granted } from './subscription-changes.ts'

/** Asks the owners whether somebody may subscribe; the first answer counts (§12.9). */
export function askOwners({ notifier }: Context, place: Place, node: Node, { jid }: Subscription): void {
  const fields = [
    { var: 'pubsub#node', type: 'text-single', label: 'Node', values: [node.name] },
    { var: 'pubsub#subscriber_jid', type: 'jid-single', label: 'Who wants to subscribe', values: [jid] },
    { var: 'pubsub#allow', type: 'boolean', label: 'Allow it', values: ['0'] },
  ] as const
  const form = formElement('form', SUBSCRIBE_AUTHORIZATION, fields, { title: 'Somebody wants to subscribe' })
  for (const owner of askedOwners(place, node)) {
    notifier.send(Client('message', { id: randomUUID(), from: String(place.jid), to: owner }, form))
  }
}

/** The answer to such a request, if the message is one. Throws bad-request for a form that is none. */
export function readAuthorization(message: Element): Form | undefined {
  const x = message.child(Forms, 'x')
  const { type } = x?.attrs ?? {}
  if (message.attrs['type'] === 'error' || x === undefined || (type !== 'submit' && type !== 'cancel')) return undefined
  const form = readForm(x)
  return form.text('FORM_TYPE') === SUBSCRIBE_AUTHORIZATION ? form : undefined
}

/** An owner has answered. Whatever is no longer waiting is passed over. Throws a StanzaError for who may not say. */
export async function takeAuthorization(context: Context, place: Place, from: Jid, form: Form): Promise<void> {
  // Who cancels the form has decided nothing.
  if (form.type === 'cancel') return
  const node = place.nodeFor('own', form.text('pubsub#node') ?? '', from)
  const jid = form.jid('pubsub#subscriber_jid')
  const isAllowed = form.boolean('pubsub#allow')
  if (jid === undefined || isAllowed === undefined) throw new StanzaError('bad-request', 'it must be said who, and whether')
  const subscription = node.subscriptions.get(String(jid))
  if (subscription?.state !== 'pending') return
  await changeSubscriptions(context, place, node, [isAllowed ? granted(subscription) : ended(subscription)])
}

/** Nodes of his to which somebody wants to subscribe. */
export const pendingNodes = (place: Place, owner: Jid): Node[] =>
  [...place.nodes(owner)].filter(node => place.standingOf(node, owner).affiliation === 'owner' && pendingIn(node).length > 0)

export const pendingIn = (node: Node): Subscription[] => [...node.subscriptions.values()].filter(({ state }) => state === 'pending')

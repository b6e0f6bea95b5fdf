// XEP-0060 §8.7: process pending subscription requests

import type { OwnRequest } from '../../core/module.ts'
import type { Command, Question } from '../commands/commands.ts'
import { askOwners, pendingIn, pendingNodes } from './authorization.ts'
import type { Context } from './context.ts'
import { SUBSCRIBE_AUTHORIZATION } from './namespaces.ts'
import type { Place } from './place.ts'

/** Of an account: its owner chooses a node, and is asked about each of those that wait there. */
export function getPending(context: Context, placeOf: (request: OwnRequest) => Promise<Place>): Command {
  return {
    who: 'account',
    node: 'http://jabber.org/protocol/pubsub#get-pending',
    name: 'Decide who may subscribe',
    async run(request): Promise<Question<OwnRequest>> {
      const nodes = pendingNodes(await placeOf(request), request.from)
      return {
        formType: SUBSCRIBE_AUTHORIZATION,
        title: 'Requests to subscribe',
        fields: [
          {
            var: 'pubsub#node',
            type: 'list-single',
            label: 'Node',
            isRequired: true,
            values: [],
            options: nodes.map(({ name }) => ({ value: name })),
          },
        ],
        async answer(form, asked) {
          const place = await placeOf(asked)
          const node = place.nodeFor('own', form.text('pubsub#node') ?? '', asked.from)
          for (const subscription of pendingIn(node)) askOwners(context, place, node, subscription)
          return { note: 'You are asked about each of them in a message.' }
        },
      }
    },
  }
}

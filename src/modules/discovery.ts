// XEP-0030: Service Discovery, XEP-0128: Service Discovery Extensions

import type { Described } from '../core/discovery.ts'
import { type AccountRequest, defineModule, type IqTable, type Request, xep } from '../core/module.ts'
import type { Element } from '../xml/element.ts'
import { DiscoInfo, DiscoItems, type Info, type Item, infoElement, itemsElement } from '../xmpp/disco.ts'
import { StanzaError } from '../xmpp/error.ts'
import { roster } from './roster/roster.ts'

/** What an entity says of some of its nodes; undefined of those that it does not know. */
export interface Nodes<Asked> {
  info?(node: string, request: Asked): Info | undefined | Promise<Info | undefined>
  items?(node: string, request: Asked): Iterable<Item> | undefined | Promise<Iterable<Item> | undefined>
}

/** What discovery says of the host, or of an account; modules add to it while they are set up. */
export interface Discoverable<Asked> {
  /** The nodes of other modules; the first that knows a node answers for it. */
  readonly nodes: Nodes<Asked>[]
  /** What belongs to the entity itself. */
  readonly items: ((request: Asked) => Iterable<Item> | Promise<Iterable<Item>>)[]
  /** What is said of the entity itself. */
  info(): Info
}

export const discovery = defineModule({
  name: 'discovery',
  about: 'Clients and other servers can ask what the server and its accounts are and can do.',
  xeps: [xep(30, '2.5.0'), xep(128, '1.0.1')],
  features: [DiscoInfo.uri, DiscoItems.uri],
  accountFeatures: [DiscoInfo.uri, DiscoItems.uri],
  needs: { roster },

  setup({ iq, discovery: described, needs }) {
    const host = discoverable<Request>(described.host)
    const account = discoverable<AccountRequest>(described.account)
    answerFor(host, iq.host)
    answerFor(account, iq.self)
    answerFor(account, iq.account, function refuseStrangers({ account, from }) {
      // They must not learn which accounts exist (XEP-0030 §8); of those that do not, RFC 6121 §8.5.1 says the same.
      if (!needs.roster.isSubscriber(account, from)) throw new StanzaError('service-unavailable')
    })
    return { host, account }
  },
})

function discoverable<Asked>({ identities, features, forms }: Described): Discoverable<Asked> {
  return { nodes: [], items: [], info: () => ({ identities, features, forms: forms.map(make => make()) }) }
}

function answerFor<Asked extends Request>(
  entity: Discoverable<Asked>,
  table: IqTable<Asked>,
  check: (request: Asked) => void = () => {},
): void {
  table.get(DiscoInfo, 'query', request => {
    check(request)
    return describe(entity, request)
  })
  table.get(DiscoItems, 'query', request => {
    check(request)
    return enumerate(entity, request)
  })
}

async function describe<Asked extends Request>(entity: Discoverable<Asked>, request: Asked): Promise<Element> {
  const { node = '' } = request.payload.attrs
  if (node === '') return infoElement(entity.info())
  for (const nodes of entity.nodes) {
    const info = await nodes.info?.(node, request)
    if (info !== undefined) return infoElement(info, node)
  }
  throw new StanzaError('item-not-found')
}

async function enumerate<Asked extends Request>(entity: Discoverable<Asked>, request: Asked): Promise<Element> {
  const { node = '' } = request.payload.attrs
  if (node === '') return itemsElement((await Promise.all(entity.items.map(list => list(request)))).flatMap(items => [...items]))
  for (const nodes of entity.nodes) {
    const items = await nodes.items?.(node, request)
    if (items !== undefined) return itemsElement(items, node)
  }
  throw new StanzaError('item-not-found')
}

/** What clients say to accounts as pubsub services (XEP-0163), in stories. */
import type { Element } from '../src/xml/element.ts'
import { capsHash } from '../src/xmpp/caps-hash.ts'
import { DiscoInfo, infoElement } from '../src/xmpp/disco.ts'
import type { Client, World } from './story.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'

/** A request to publish one item, with options of the node (XEP-0060 §7.1.5). */
export const publish = (node: string, item: string, options: Record<string, string> = {}): string =>
  `<iq type="set" id="p1"><pubsub xmlns="${PUBSUB}"><publish node="${node}">${item}</publish>${
    Object.keys(options).length === 0
      ? ''
      : `<publish-options><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>${PUBSUB}#publish-options</value></field>${Object.entries(
          options,
        )
          .map(([name, value]) => `<field var="pubsub#${name}"><value>${value}</value></field>`)
          .join('')}</x></publish-options>`
  }</pubsub></iq>`
export const items = (node: string, of?: string): string =>
  `<iq type="get" id="i1"${of === undefined ? '' : ` to="${of}@here.example"`}><pubsub xmlns="${PUBSUB}"><items node="${node}"/></pubsub></iq>`
const shown = (node: string, inside: string): string =>
  `<iq type="result" id="i1"><pubsub xmlns="${PUBSUB}"><items node="${node}">${inside}</items></pubsub></iq>`

export async function publishes(client: Client, ...[node, item, options]: Parameters<typeof publish>): Promise<void> {
  await client.sends(publish(node, item, options))
  client.receivesAll('<iq type="result" id="p1"/>')
}

/** The items that it sees, of its own account if no other is named. */
export async function sees(client: Client, node: string, of?: string): Promise<Element[]> {
  await client.sends(items(node, of))
  return client.receives(shown(node, '')).first()!.first()!.elements()
}

/** Takes an item back (XEP-0060 §7.2). */
export async function retracts(client: Client, node: string, id: string): Promise<void> {
  await client.sends(
    `<iq type="set" id="r1"><pubsub xmlns="${PUBSUB}"><retract node="${node}" notify="true"><item id="${id}"/></retract></pubsub></iq>`,
  )
  client.receivesAll('<iq type="result" id="r1"/>')
}

/** A client of the account that is available and wants to hear of these nodes (XEP-0060 §9.2). */
export async function listens(world: World, account: string, ...nodes: string[]): Promise<Client> {
  const info = {
    identities: [{ category: 'client', type: 'pc' }],
    features: [DiscoInfo.uri, ...nodes.map(node => `${node}+notify`)],
    forms: [],
  }
  const client = await world.connect(account, 'listener')
  const caps = `<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:example:client" ver="${capsHash(info)}"/>`
  await client.sends(`<presence>${caps}</presence>`)
  for (const { name, attrs, children } of client.unread.slice()) {
    if (name !== 'iq' || attrs['type'] !== 'get') continue
    const query = infoElement(info, (children[0] as Element).attrs['node'])
    await client.sends(`<iq type="result" id="${attrs['id']}" to="${attrs['from']}">${query}</iq>`)
  }
  for (const other of world.clients) other.forget()
  return client
}

/** What service discovery says that the client's own account can do. */
export async function announced(client: Client): Promise<ReadonlySet<string | undefined>> {
  const to = String(client.session.account.jid)
  await client.sends(`<iq type="get" id="d1" to="${to}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`)
  const query = client.receives(`<iq type="result" id="d1" from="${to}"/>`).first()!
  return new Set(query.elements().map(({ attrs }) => attrs['var']))
}

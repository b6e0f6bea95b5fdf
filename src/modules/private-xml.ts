// XEP-0049: Private XML Storage

import type { Account } from '../core/account.ts'
import { defineModule, type OwnRequest, xep } from '../core/module.ts'
import { PRIVATE_XML } from '../core/stores.ts'
import { count, size } from '../lib/settings.ts'
import { type Element, namespace } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { StanzaError } from '../xmpp/error.ts'

const Private = namespace<'query'>('jabber:iq:private')

/** Another module has this element: it is read and written there. */
export interface Elsewhere {
  read(account: Account): Promise<Element>
  write(account: Account, element: Element): Promise<void>
}

export interface PrivateXmlApi {
  /** To be called while modules are set up. */
  keepElsewhere(element: Element, elsewhere: Elsewhere): void
  /** What is kept here although it has its place elsewhere by now: taken out once `work` is done with it. */
  moveOut(account: Account, element: Element, work: (kept: Element) => Promise<void>): Promise<void>
}

export const privateXml = defineModule({
  name: 'private-xml',
  about: 'Clients keep settings and the like on the server, sealed, for their own account only.',
  xeps: [xep(49, '1.2')],
  features: [Private.uri],
  accountFeatures: [Private.uri],
  settings: {
    most: count(100, { min: 1, max: 10_000 }, 'How many elements an account may keep.'),
    largest: size('256KiB', 'How much an account may keep in all.', { min: 1024 }),
  },
  migrations: [
    () => 'CREATE TABLE private_xml (account TEXT NOT NULL, name TEXT NOT NULL, xml TEXT NOT NULL, PRIMARY KEY (account, name))',
    // It was in the clear.
    () => 'DROP TABLE private_xml',
  ],

  setup({ documents, iq, settings }): PrivateXmlApi {
    const elsewhere = new Map<string, Elsewhere>()

    iq.self.get(Private, 'query', async ({ account, payload }) => {
      const [wanted, ...more] = payload.elements()
      if (wanted === undefined || more.length > 0) throw new StanzaError('bad-request', 'ask for one element')
      const key = keyOf(wanted)
      const found = await (elsewhere.get(key)?.read(account) ?? find(account, key))
      return Private('query', {}, found ?? namespace(wanted.ns)(wanted.name))
    })
    iq.self.set(Private, 'query', async ({ account, payload }: OwnRequest) => {
      const all = payload.elements()
      if (all.length === 0) throw new StanzaError('not-acceptable', 'there is nothing to keep')
      for (const element of all) await elsewhere.get(keyOf(element))?.write(account, element)
      const elements = all.filter(element => !elsewhere.has(keyOf(element)))
      if (elements.length > 0) await keep(account, elements)
    })

    async function keep(account: Account, elements: readonly Element[]): Promise<void> {
      const kept = new Map((await read(account)).map(element => [keyOf(element), element]))
      for (const element of elements) {
        if (isEmpty(element)) kept.delete(keyOf(element))
        else kept.set(keyOf(element), element)
      }
      const xml = Buffer.from(String(Private('query', {}, ...kept.values())))
      if (kept.size > settings.most || xml.length > settings.largest) throw new StanzaError('resource-constraint', 'your storage is full')
      await documents.write(account, PRIVATE_XML, kept.size === 0 ? undefined : xml)
    }

    const find = async (account: Account, key: string): Promise<Element | undefined> =>
      (await read(account)).find(kept => keyOf(kept) === key)

    async function read(account: Account): Promise<readonly Element[]> {
      const xml = await documents.read(account, PRIVATE_XML)
      if (xml === undefined) return []
      const kept = parseElement(xml).elements()
      xml.fill(0)
      return kept
    }

    return {
      keepElsewhere: (element, where) => void elsewhere.set(keyOf(element), where),
      async moveOut(account, element, work) {
        const kept = await find(account, keyOf(element))
        if (kept === undefined) return
        await work(kept)
        await keep(account, [element])
      },
    }
  },
})

/** It is what is answered where nothing is kept, so it need not be. */
const isEmpty = ({ children, attrs }: Element): boolean => children.length === 0 && Object.keys(attrs).length === 0

function keyOf(element: Element): string {
  if (element.ns === '' || element.ns === Private.uri) throw new StanzaError('not-acceptable', 'the element needs a namespace of its own')
  return `${element.ns} ${element.name}`
}

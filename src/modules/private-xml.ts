// XEP-0049: Private XML Storage

import { defineModule, type OwnRequest, xep } from '../core/module.ts'
import { accountRemoved } from '../core/points.ts'
import { count, size } from '../lib/settings.ts'
import { type Db, sql } from '../storage/db.ts'
import { type Element, namespace } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { StanzaError } from '../xmpp/error.ts'

const Private = namespace<'query'>('jabber:iq:private')

export const privateXml = defineModule({
  name: 'private-xml',
  about: 'Clients keep settings and the like on the server, for their own account only.',
  xeps: [xep(49, '1.2')],
  features: [Private.uri],
  accountFeatures: [Private.uri],
  settings: {
    most: count(100, { min: 1, max: 10_000 }, 'How many elements an account may keep.'),
    largest: size('256KiB', 'How much an account may keep in all.', { min: 1024 }),
  },
  migrations: [
    () => 'CREATE TABLE private_xml (account TEXT NOT NULL, name TEXT NOT NULL, xml TEXT NOT NULL, PRIMARY KEY (account, name))',
  ],

  setup({ db, iq, on, settings }) {
    iq.self.get(Private, 'query', async ({ account, payload }) => {
      const [wanted, ...more] = payload.elements()
      if (wanted === undefined || more.length > 0) throw new StanzaError('bad-request', 'ask for one element')
      const name = keyOf(wanted)
      const [row] = await db.all<{ xml: string }>(sql`SELECT xml FROM private_xml WHERE account = ${account.name} AND name = ${name}`)
      return Private('query', {}, row === undefined ? namespace(wanted.ns)(wanted.name) : parseElement(row.xml))
    })
    iq.self.set(Private, 'query', async ({ account, payload }: OwnRequest) => {
      const elements = payload.elements()
      if (elements.length === 0) throw new StanzaError('not-acceptable', 'there is nothing to keep')
      await db.tx(async inner => {
        for (const element of elements) await keep(inner, account.name, element)
        await mustFit(inner, account.name)
      })
    })
    on(accountRemoved, async function removePrivateXml({ account, db: inner }) {
      await inner.run(sql`DELETE FROM private_xml WHERE account = ${account}`)
    })

    async function mustFit(inner: Db, account: string): Promise<void> {
      const rows = await inner.all<{ length: number }>(sql`SELECT OCTET_LENGTH(xml) AS length FROM private_xml WHERE account = ${account}`)
      const length = rows.reduce((sum, row) => sum + Number(row.length), 0)
      if (rows.length > settings.most || length > settings.largest) throw new StanzaError('resource-constraint', 'your storage is full')
    }
  },
})

/** An empty element is what is answered where nothing is kept, so it need not be. */
async function keep(db: Db, account: string, element: Element): Promise<void> {
  const name = keyOf(element)
  await db.run(sql`DELETE FROM private_xml WHERE account = ${account} AND name = ${name}`)
  if (element.children.length === 0 && Object.keys(element.attrs).length === 0) return
  await db.run(sql`INSERT INTO private_xml (account, name, xml) VALUES (${account}, ${name}, ${String(element)})`)
}

function keyOf(element: Element): string {
  if (element.ns === '' || element.ns === Private.uri) throw new StanzaError('not-acceptable', 'the element needs a namespace of its own')
  return `${element.ns} ${element.name}`
}

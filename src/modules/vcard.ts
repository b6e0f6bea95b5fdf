// XEP-0054: vcard-temp

import type { Account } from '../core/account.ts'
import { defineModule, xep } from '../core/module.ts'
import { accountRemoved } from '../core/points.ts'
import { oneOf, size } from '../lib/settings.ts'
import { sql } from '../storage/db.ts'
import { type Element, namespace } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import { roster } from './roster/roster.ts'

const Vcard = namespace<'vCard'>('vcard-temp')

export const vcard = defineModule({
  name: 'vcard',
  about: 'Users keep a card with what they want to tell about themselves.',
  xeps: [xep(54, '1.3.0')],
  features: [Vcard.uri],
  accountFeatures: [Vcard.uri],
  needs: { roster },
  settings: {
    access: oneOf(
      ['presence', 'everyone', 'nobody'],
      'Who may read a card: those who may see the user’s presence, everyone, or only the user.',
    ),
    largest: size('256KiB', 'How large a card may be.', { min: 1024 }),
  },
  migrations: [() => 'CREATE TABLE vcard (account TEXT NOT NULL PRIMARY KEY, xml TEXT NOT NULL)'],

  setup({ db, iq, on, settings, needs }) {
    iq.self.get(Vcard, 'vCard', async ({ account }) => {
      const card = await read(account)
      if (card === undefined) throw new StanzaError('item-not-found')
      return card
    })
    iq.self.set(Vcard, 'vCard', async ({ account, payload }) => {
      const xml = String(payload)
      if (Buffer.byteLength(xml) > settings.largest) throw new StanzaError('policy-violation', 'this card is too large')
      await db.run(
        sql`INSERT INTO vcard (account, xml) VALUES (${account.name}, ${xml}) ON CONFLICT (account) DO UPDATE SET xml = excluded.xml`,
      )
    })
    iq.account.get(Vcard, 'vCard', async ({ account, from }) => {
      const card = mayRead(account, from) ? await read(account) : undefined
      // §3.3: no card, no right to see it and no such account must look the same.
      if (card === undefined) throw new StanzaError('service-unavailable')
      return card
    })
    on(accountRemoved, async function removeCard({ account, db: inner }) {
      await inner.run(sql`DELETE FROM vcard WHERE account = ${account}`)
    })

    function mayRead(account: Account, from: Jid): boolean {
      if (settings.access === 'presence') return needs.roster.isSubscriber(account, from)
      return settings.access === 'everyone'
    }

    async function read({ name }: Account): Promise<Element | undefined> {
      const [row] = await db.all<{ xml: string }>(sql`SELECT xml FROM vcard WHERE account = ${name}`)
      return row === undefined ? undefined : parseElement(row.xml)
    }
  },
})

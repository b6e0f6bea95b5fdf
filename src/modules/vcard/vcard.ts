// XEP-0054: vcard-temp, XEP-0292: vCard4 Over XMPP

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import { accountLoaded, accountRemoved, sessionBound } from '../../core/points.ts'
import { oneOf, size } from '../../lib/settings.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { avatar, photoElement, readPhoto } from '../avatar/avatar.ts'
import { type PublishedItem, pubsub } from '../pubsub/pubsub.ts'
import { toTemp, toV4 } from './convert.ts'
import { FormerCards, migrations } from './former-cards.ts'
import { Temp, V4 } from './namespaces.ts'

const NODE = 'urn:xmpp:vcard4'
/** Where its owner has published none in the new format, which gives it an id. */
const ONLY_ITEM = 'current'
const ACCESS = { presence: 'presence', everyone: 'open', nobody: 'whitelist' } as const

export const vcard = defineModule({
  name: 'vcard',
  about: 'Users keep a card with what they want to tell about themselves; clients of both formats see the same one.',
  xeps: [xep(54, '1.3.0'), xep(292, '0.12.0')],
  features: [Temp.uri, V4.uri],
  accountFeatures: [Temp.uri, V4.uri],
  needs: { avatar, pubsub },
  settings: {
    access: oneOf(
      ['presence', 'everyone', 'nobody'],
      'Who may read a new card if its owner says nothing: those who may see the user’s presence, everyone, or only the user.',
    ),
    largest: size('256KiB', 'How large a card may be.', { min: 1024 }),
  },
  migrations,

  setup({ db, iq, needs, on, settings }) {
    const { avatar, pubsub: pep } = needs
    const former = new FormerCards(db)
    pep.usually(NODE, { accessModel: ACCESS[settings.access] })

    // XEP-0054 §3.1 also allows an error; but there are clients that then never come to write the first card.
    iq.self.get(Temp, 'vCard', async ({ account }) => (await cardFor(account, account.jid)) ?? Temp('vCard'))
    iq.account.get(Temp, 'vCard', async ({ account, from }) => {
      const card = await cardFor(account, from)
      // XEP-0054 §3.3: no card, no right to see it and no such account must look the same.
      if (card === undefined) throw new StanzaError('service-unavailable')
      return card
    })
    iq.self.set(Temp, 'vCard', ({ account, payload }) => {
      if (Buffer.byteLength(String(payload)) > settings.largest) throw new StanzaError('policy-violation', 'this card is too large')
      return keep(account, payload)
    })
    on(accountLoaded, moveCard)
    // A card that is private by now needs its owner.
    on(sessionBound, function moveOwnCard({ account }) {
      return moveCard(account)
    })
    on(accountRemoved, function removeCard({ account, db: inner }) {
      return former.remove(account, inner)
    })

    async function moveCard(account: Account): Promise<void> {
      const card = await former.of(account.name)
      if (card === undefined) return
      try {
        await keep(account, card)
      } catch (error) {
        // Limits that are lower than they were, or an account that is locked, must not lock it out.
        if (error instanceof StanzaError) return
        throw error
      }
    }

    /** What of the card and the avatar this address may see; undefined where that is nothing. */
    async function cardFor(account: Account, address: Jid): Promise<Element | undefined> {
      const v4 = (await pep.mayRead(account, NODE, address)) ? cardIn(await pep.item(account, NODE)) : undefined
      const image = await avatar.shownTo(account, address)
      if (image === undefined) return v4 && toTemp(v4)
      return (v4 === undefined ? Temp('vCard') : toTemp(v4)).without(isPhoto).add(photoElement(image))
    }

    /**
     * A card in the old format takes the place of the card and of the avatar: its clients always send all (XEP-0054 §3.2). What is still
     * to be moved goes with it, since it is older, or has been moved.
     */
    async function keep(account: Account, card: Element): Promise<void> {
      const image = card
        .all(Temp, 'PHOTO')
        .map(readPhoto)
        .find(found => found !== undefined)
      const there = await pep.item(account, NODE)
      const now = toV4(image === undefined ? card : card.without(isPhoto), cardIn(there))
      const changes = await avatar.changesTo(account, image)
      if (now.children.length === 0) changes.push({ node: NODE, retract: there === undefined ? [] : [there.id] })
      else if (String(now) !== String(there?.payload)) changes.push({ node: NODE, publish: [{ id: there?.id ?? ONLY_ITEM, payload: now }] })
      await pep.change(account, changes, inner => former.remove(account.name, inner))
    }
  },
})

/** Clients can publish other things there. */
const cardIn = (item: PublishedItem | undefined): Element | undefined => (item?.payload?.is(V4, 'vcard') ? item.payload : undefined)

const isPhoto = (element: Element): boolean => element.is(Temp, 'PHOTO')

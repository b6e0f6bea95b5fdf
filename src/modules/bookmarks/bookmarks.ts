// XEP-0402: PEP Native Bookmarks, and what was before it: XEP-0048: Bookmarks, XEP-0411: Bookmarks Conversion

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import { accountRegained } from '../../core/points.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { privateXml } from '../private-xml.ts'
import { type NodeChange, nodesRead, type PublishedItem, pubsub } from '../pubsub/pubsub.ts'
import { type Bookmark, Bookmarks, fromStorage, normalRoom, Storage, toStorage } from './convert.ts'

const NATIVE = Bookmarks.uri
const OLD = Storage.uri
/** XEP-0048 §3.1. */
const ONLY_ITEM = 'current'

export const bookmarks = defineModule({
  name: 'bookmarks',
  about: 'All clients of a user see the same bookmarks of rooms, whichever of three formats they know.',
  xeps: [xep(402, '1.2.0'), xep(48, '1.2'), xep(411, '1.1.0')],
  accountFeatures: [`${NATIVE}#compat`, `${NATIVE}#compat-pep`, 'urn:xmpp:bookmarks-conversion:0'],
  needs: { privateXml, pubsub },

  setup({ needs, on, rows }) {
    const { privateXml, pubsub: pep } = needs
    /** Accounts whose list says what their bookmarks say. */
    const mended = new WeakSet<Account>()

    // The oldest one must not go because there is a new one.
    pep.usually(NATIVE, { whenFull: 'reject' })
    pep.alongside(NATIVE, async (account, { published, retracted }) => {
      const now = new Map((await all(account)).map(bookmark => [bookmark.id, bookmark]))
      for (const id of retracted) now.delete(id)
      for (const item of published) {
        now.delete(item.id)
        if (isBookmark(item)) now.set(item.id, item)
      }
      return (await areOurs(account)) ? changeList(account, former => toStorage(now.values(), former)) : []
    })
    pep.alongside(OLD, async (account, { published }) => {
      const list = listIn(published.at(-1))
      if (list === undefined || !(await areOurs(account))) return []
      // What the list does not have, its client has not taken away.
      return changeBookmarks(account, list, listIn(await pep.item(account, OLD)) ?? Storage('storage'))
    })
    privateXml.keepElsewhere(Storage('storage'), {
      async read(account) {
        rows.mustBeOpen(account)
        return toStorage(await all(account), listIn(await pep.item(account, OLD)))
      },
      write: replace,
    })
    on(nodesRead, function mendOnce(account) {
      if (mended.has(account)) return
      return mendIfOpen(account)
    })
    on(accountRegained, function mendAgain(account) {
      mended.delete(account)
      return mendIfOpen(account)
    })

    const mendIfOpen = (account: Account): Promise<void> =>
      mend(account).then(
        () => void mended.add(account),
        error => {
          // The account is locked; then another time.
          if (!(error instanceof StanzaError)) throw error
        },
      )

    /** A list may still stand in private storage, and bookmarks may have come back with a recovery code that the list does not know. */
    async function mend(account: Account): Promise<void> {
      rows.mustBeOpen(account)
      await privateXml.moveOut(account, Storage('storage'), async list => {
        const rooms = toStorage(await all(account), undefined)
        await replace(account, list.add(...rooms.elements()))
      })
      if (!(await areOurs(account))) return
      const rooms = await all(account)
      const list = listIn(await pep.item(account, OLD)) ?? Storage('storage')
      const { published, retracted } = fromStorage(list, rooms)
      if (published.length + retracted.length === 0) return
      await pep.change(account, await changeList(account, former => toStorage(rooms, former)))
    }

    /**
     * XEP-0411 §5: nothing gets to where others may read it; where they may read one of the two, both are left as they are. While the
     * account is locked it is for `mend` to see to them.
     */
    const areOurs = async (account: Account): Promise<boolean> =>
      rows.isOpen(account) && (await pep.isPrivate(account, NATIVE)) && pep.isPrivate(account, OLD)

    /** In the place of all bookmarks. */
    async function replace(account: Account, list: Element): Promise<void> {
      rows.mustBeOpen(account)
      if (!(await areOurs(account))) throw new StanzaError('not-allowed', 'your bookmarks are where others may read them')
      await pep.change(account, [...(await changeBookmarks(account, list)), ...(await changeList(account, () => list))])
    }

    async function changeBookmarks(account: Account, list: Element, former?: Element): Promise<NodeChange[]> {
      const { published, retracted } = fromStorage(list, await all(account), former)
      return [{ node: NATIVE, publish: published, retract: retracted }]
    }

    /** Where it grows larger than an item may be, it stays behind. */
    async function changeList(account: Account, make: (former: Element | undefined) => Element): Promise<NodeChange[]> {
      const former = await pep.item(account, OLD)
      const list = make(listIn(former))
      if (String(list) === String(former?.payload ?? Storage('storage')) || !(await pep.hasRoomFor(account, OLD, list))) return []
      return [{ node: OLD, publish: [{ id: former?.id ?? ONLY_ITEM, payload: list }] }]
    }

    const all = async (account: Account): Promise<Bookmark[]> => (await pep.items(account, NATIVE)).filter(isBookmark)
  },
})

const isBookmark = (item: PublishedItem): item is PublishedItem & Bookmark =>
  item.payload?.is(Bookmarks, 'conference') === true && normalRoom(item.id) !== undefined

/** XEP-0223 has other things there too. */
const listIn = (item: PublishedItem | undefined): Element | undefined => (item?.payload?.is(Storage, 'storage') ? item.payload : undefined)

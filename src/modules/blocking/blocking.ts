// XEP-0191: Blocking Command

import { randomUUID } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import { defineModule, type OwnRequest, xep } from '../../core/module.ts'
import {
  accountLoaded,
  accountRemoved,
  type Incoming,
  iqIn,
  iqOut,
  messageIn,
  messageOut,
  type Outgoing,
  point,
  presenceIn,
  presenceOut,
} from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { count } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { type BlockList, covers, NOBODY } from './block-list.ts'
import { BlockingStore, migrations } from './store.ts'

export const Blocking = namespace<'blocklist' | 'block' | 'unblock' | 'item'>('urn:xmpp:blocking')
const BlockingErrors = namespace<'blocked'>('urn:xmpp:blocking:errors')
const BLOCKED = BlockingErrors('blocked')

/** In the account's turn, when its list has changed and is safe on disk: who was not blocked before, or is not any more? */
export const blockListChanged = point<{
  readonly account: Account
  readonly isNewlyBlocked: (jid: Jid) => boolean
  readonly isNewlyFree: (jid: Jid) => boolean
}>('blocking.changed')

export const blocking = defineModule({
  name: 'blocking',
  about: 'Users can block addresses: to those they look as if they were not there.',
  xeps: [xep(191, '1.3')],
  features: [Blocking.uri],
  accountFeatures: [Blocking.uri],
  settings: { most: count(1000, { min: 1 }, 'How many addresses an account can block.') },
  migrations,

  setup({ db, iq, on, hooks, settings, jid: hostJid }) {
    const store = new BlockingStore(db)
    /** Of those who have blocked somebody. */
    const lists = new WeakMap<Account, BlockList>()
    const listening = new WeakSet<Session>()

    on(accountLoaded, async function readBlockList(account) {
      setList(account, new Set(await store.blockedBy(account.name)))
    })
    on(accountRemoved, function forgetBlockList(removed) {
      return store.unblockAll(removed.account, removed.db)
    })
    iq.self.get(Blocking, 'blocklist', ({ account, session }) => {
      listening.add(session)
      return listOf('blocklist', blockedBy(account))
    })
    iq.self.set(Blocking, 'block', block)
    iq.self.set(Blocking, 'unblock', unblock)
    for (const flow of [messageOut, presenceOut, iqOut]) on(flow.check, refuseOutgoing)
    for (const flow of [messageIn, presenceIn, iqIn]) on(flow.check, refuseIncoming)
    // Clients believe a push (§3.3), so nobody but the server itself may send one.
    on(iqIn.check, function refuseForgedPush({ stanza, to }) {
      const isPush = stanza.child(Blocking, 'block') !== undefined || stanza.child(Blocking, 'unblock') !== undefined
      if (to.resource !== '' && stanza.attrs['type'] === 'set' && isPush) throw new StanzaError('service-unavailable')
    })

    async function block({ account, payload }: OwnRequest): Promise<void> {
      const jids = readItems(payload)
      if (jids.length === 0) throw new StanzaError('bad-request', 'name at least one address to block')
      const list = new Set([...blockedBy(account), ...jids])
      if (list.size > settings.most) throw new StanzaError('resource-constraint', 'your block list is full')
      await store.block(account.name, jids)
      await change(account, list, listOf('block', jids))
    }

    async function unblock({ account, payload }: OwnRequest): Promise<void> {
      const jids = readItems(payload)
      const list = new Set(blockedBy(account))
      // §3.5: no items means all of them.
      if (jids.length === 0) {
        await store.unblockAll(account.name)
        list.clear()
      } else {
        const blocked = jids.filter(jid => list.delete(jid))
        await store.unblock(account.name, blocked)
      }
      await change(account, list, listOf('unblock', jids))
    }

    async function change(account: Account, now: BlockList, told: Element): Promise<void> {
      const before = blockedBy(account)
      setList(account, now)
      for (const session of account.sessions.values()) {
        if (!listening.has(session)) continue
        session.send(Client('iq', { type: 'set', id: randomUUID(), from: String(account.jid), to: String(session.jid) }, told))
      }
      await hooks.run(blockListChanged, {
        account,
        isNewlyBlocked: jid => covers(now, jid) && !covers(before, jid) && !isOwn(account, jid),
        isNewlyFree: jid => covers(before, jid) && !covers(now, jid) && !isOwn(account, jid),
      })
    }

    function refuseOutgoing({ account, to }: Outgoing): void {
      if (!isBlocked(account, to)) return
      throw new StanzaError('not-acceptable', 'you have blocked this address', { type: 'cancel', extra: BLOCKED })
    }

    /** §3.3: to those who are blocked, the account looks as if it were not there. */
    function refuseIncoming({ account, stanza, from }: Incoming): 'drop' | void {
      if (!isBlocked(account, from) || isRefusal(stanza)) return
      if (stanza.name === 'presence') return 'drop'
      throw new StanzaError('service-unavailable')
    }

    /** Whether the account blocks the address. What is sent to many, such as presence, must leave out who is blocked. */
    function isBlocked(account: Account, other: Jid): boolean {
      return covers(blockedBy(account), other) && !isOwn(account, other)
    }

    /** Nobody can block oneself (§5), nor the server on which one's account lives, but all others there. */
    function isOwn(account: Account, other: Jid): boolean {
      return other.equals(hostJid) || other.bare.equals(account.jid)
    }

    function setList(account: Account, list: BlockList): void {
      if (list.size > 0) lists.set(account, list)
      else lists.delete(account)
    }

    function blockedBy(account: Account): BlockList {
      return lists.get(account) ?? NOBODY
    }

    return { isBlocked }
  },
})

/** Our answer to a client that writes to a blocked address seems to come from there. It holds this very element, which no other stanza can. */
const isRefusal = (stanza: Element): boolean =>
  stanza.attrs['type'] === 'error' && stanza.child(Client, 'error')?.children.at(-1) === BLOCKED

function readItems(payload: Element): string[] {
  return [...new Set(payload.all(Blocking, 'item').map(item => String(Jid.parse(item.attrs['jid'] ?? ''))))]
}

function listOf(name: 'blocklist' | 'block' | 'unblock', jids: Iterable<string>): Element {
  return Blocking(name, {}, ...Array.from(jids, jid => Blocking('item', { jid })))
}

// XEP-0313: Message Archive Management

import type { Account } from '../../core/account.ts'
import { then } from '../../core/host.ts'
import { defineModule, xep } from '../../core/module.ts'
import {
  accountLoaded,
  accountLocked,
  accountRemoved,
  accountReset,
  type Incoming,
  messageIn,
  messageOut,
  type Outgoing,
  secretsDestroyed,
} from '../../core/points.ts'
import { ArchiveIds, SealedLog } from '../../core/sealed-log.ts'
import { ARCHIVE } from '../../core/stores.ts'
import { limited } from '../../lib/limited.ts'
import { count, oneOf, size } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { retention, retentionChanged } from '../retention/retention.ts'
import { roster } from '../roster/roster.ts'
import { stanzaIdElement } from '../stanza-id.ts'
import { AccountArchive } from './account-archive.ts'
import { Answers } from './answers.ts'
import { HeaderIndexes } from './header-index.ts'
import { Keeper, type Kept } from './keeper.ts'
import { readHeader } from './kept-message.ts'
import { Lifetimes } from './lifetimes.ts'
import { Pages } from './pages.ts'
import { Preferences, USUAL } from './preferences.ts'
import { Mam, queryForm } from './query.ts'
import { Retractions } from './retractions.ts'
import { ArchiveStore, migrations } from './store.ts'
import { isWorthKeeping, retractedId } from './worth-keeping.ts'

export { type Filter, HeaderIndexes, type Indexing } from './header-index.ts'
export { timeAfter } from './keeper.ts'
export { tagOfId } from './kept-message.ts'
export { type Answer, type Paged, type PageRange, Pages } from './pages.ts'
export { Mam, queryForm, readQuery } from './query.ts'
export { finElement, metadataElement, resultElements } from './said.ts'
export { correctedId, isConversation, retractedId } from './worth-keeping.ts'

const Trim = namespace<'trim' | 'id'>('urn:xmpp:mamtrim:0')

/** Of the accounts, which have archives; and of the host, which has none: but profanity looks there. */
const FEATURES = [
  Mam.uri,
  `${Mam.uri}#extended`,
  `${Mam.uri}#groupchat-field`,
  Trim.uri,
  'urn:xmpp:message-retract:1',
  'urn:xmpp:message-retract:1#tombstone',
]

/** Copies of what a client sends that may be on their way to the disk; then it waits, or they would pile up. */
const MOST_UNSAFE = 100

export const archive = defineModule({
  name: 'archive',
  about:
    'Keeps the conversations of users for a while, sealed: only their own login opens them. They can delete them at any time (urn:xmpp:mamtrim:0).',
  xeps: [
    xep(313, '1.1.3', 'complete', 'of users and of rooms'),
    xep(59, '1.0'),
    xep(424, '0.4.2', 'partial', 'tombstones in archives, of rooms too'),
    xep(441, '0.2.0'),
  ],
  features: FEATURES,
  accountFeatures: FEATURES,
  needs: { retention, roster },
  settings: {
    page: count(100, { min: 10, max: 200 }, 'How many messages a client gets at once.'),
    messages: count(
      90_000,
      { min: 1000, max: 1_000_000 },
      'How many messages of an account are kept; the oldest make room. Strangers get a 120th in a day.',
    ),
    daily: size(
      '100MiB',
      'How much of an account is kept in a day; what is more is delivered, and kept nowhere. Strangers get a quarter.',
      { min: 1_048_576 },
    ),
    padding: size('2KiB', 'What is smaller is filled up to it, so that sizes tell nothing of who writes to whom.'),
    usual: oneOf(USUAL, 'Whose messages are kept of a user who has chosen nothing: of all, of people in the roster, or of nobody.'),
    addresses: count(
      1000,
      { min: 1, max: 10_000 },
      'For how many addresses a user can say whether their messages are always or never kept.',
    ),
  },
  migrations,

  setup(host) {
    const { db, hooks, iq, keys, log, needs, on, settings, store: accountStore, stream, track } = host
    const { isStranger } = needs.roster
    const store = new ArchiveStore(db)
    const messages = new SealedLog(host, { prefix: 'archive', store: ARCHIVE, secret: 'archive' })
    const indexes = new HeaderIndexes<Account>(messages, readHeader)
    const own = new AccountArchive(messages, indexes, { idsOf: () => ids!, numberOf: account => keys.of(account)!.number })
    const pages = new Pages(own, log)
    const retractions = new Retractions(messages, store, host.clock, settings.padding, isStranger)
    const answers = new Answers(messages, pages, retractions, hooks, settings)
    const keeper = new Keeper(messages, host.clock, failed, settings)
    const classOf = (account: Account) => needs.retention.classOf(account, 'archive')
    const lifetimes = new Lifetimes(host, messages, store, classOf)
    const preferences = new Preferences(host, store, { usual: settings.usual, most: settings.addresses }, needs.roster.knows)
    const unsafe = new WeakMap<Account, number>()
    /** Messages that take others back, with their ords. */
    const retracting = new WeakMap<Incoming | Outgoing, number>()
    /** A full disk fails each message. */
    const isTold = limited(10, 60_000, () => host.clock.now())
    let ids: ArchiveIds | undefined

    on(accountLoaded, async function readPreferences(account) {
      ids ??= new ArchiveIds(await accountStore.hostSecret('archive-ids'))
      await preferences.load(account)
    })
    on(accountLocked, function forgetHeaders(account) {
      indexes.forget(account)
    })
    on(accountRemoved, function removePreferences({ account, db }) {
      return new ArchiveStore(db).removeAll(account)
    })
    on(accountReset, function removeLost({ account, isLost, afterwards }) {
      if (isLost) afterwards(() => void Promise.resolve(account.turn.take(() => lifetimes.empty(account))).catch(failed))
    })
    on(retentionChanged, async function keepNoLonger({ account }) {
      await lifetimes.choose(account)
      indexes.forget(account)
    })
    on(secretsDestroyed, async function removeDead() {
      indexes.forgetAll()
      await lifetimes.sweep()
    })

    on(messageOut.store, function keepOutgoing(envelope) {
      const { account, custody, stanza, to } = envelope
      // What a user writes to himself is kept once, as it comes in.
      if (to.bare.equals(account.jid)) return
      return then(keep(account, stanza, to, true), kept => {
        if (kept === undefined) return
        const { ord, safe } = kept
        envelope.archived = { id: own.idOf(account, ord), safe }
        if (retractedId(stanza) !== undefined) retracting.set(envelope, ord)
        custody?.pledge()
        const count = (unsafe.get(account) ?? 0) + 1
        unsafe.set(account, count)
        const done = (): void => {
          unsafe.set(account, unsafe.get(account)! - 1)
          custody?.redeem()
        }
        const settled = safe.then(done, error => {
          failed(error)
          done()
        })
        track(settled)
        if (count >= MOST_UNSAFE) return settled
      })
    })
    // DESIGN law 7: the recipient learns the id when the message is on disk.
    on(messageIn.store, function keepIncoming(envelope) {
      const { account, stanza, from } = envelope
      return then(keep(account, stanza, from, false), kept => {
        if (kept === undefined) return
        return kept.safe.then(() => {
          envelope.stanza = stanza.add(stanzaIdElement(account, own.idOf(account, kept.ord)))
          if (retractedId(stanza) !== undefined) retracting.set(envelope, kept.ord)
        }, failed)
      })
    })
    on(messageOut.after, function takeBackOwn(envelope) {
      return retract(envelope, () => false)
    })
    on(messageIn.after, function takeBack(envelope) {
      return retract(envelope, () => isStranger(envelope.account, envelope.from))
    })

    iq.self.set(Mam, 'query', async request => {
      await preferences.mend(request.account)
      return answers.query(request)
    })
    iq.self.get(Mam, 'query', queryForm)
    iq.self.get(Mam, 'metadata', ({ account }) => answers.metadata(account))
    iq.self.get(Mam, 'prefs', async ({ account }) => {
      await preferences.mend(account)
      return preferences.get(account)
    })
    iq.self.set(Mam, 'prefs', ({ account, payload }) => preferences.set(account, payload))
    iq.self.set(Trim, 'trim', async ({ account, payload }) => {
      const [id, ...more] = payload.all(Trim, 'id')
      if (more.length > 0) throw new StanzaError('bad-request', 'an archive is trimmed up to one message')
      if (id === undefined) await lifetimes.empty(account)
      else await messages.removeUntil(account, await pages.ordOf(account, id.text.trim()))
      indexes.forget(account)
    })
    // XEP-0386 §3.3: what the client must ask for to know all. That it cannot be read is no reason not to log in.
    stream.bound.push(async ({ account }) => (messages.isOpen(account) ? answers.metadata(account).catch(failed) : undefined))

    function keep(account: Account, message: Element, peer: Jid, isOutgoing: boolean): Kept | undefined | Promise<Kept | undefined> {
      if (!isWorthKeeping(message)) return undefined
      const cls = classOf(account)
      if (cls === undefined || !preferences.wants(account, peer)) return undefined
      return keeper.keep(account, cls, message, { peer, isOutgoing, isFromStranger: !isOutgoing && isStranger(account, peer) })
    }

    function retract(envelope: Incoming | Outgoing, isOfStranger: () => boolean): void | Promise<void> {
      const ord = retracting.get(envelope)
      if (ord !== undefined) return retractions.came(envelope.account, ord, isOfStranger())
    }

    function failed(error: unknown): undefined {
      if (!isTold()) log.fault('archive.failed', error)
    }
  },
})

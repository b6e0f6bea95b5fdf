import type { Account } from '../../core/account.ts'
import type { Hooks } from '../../core/hooks.ts'
import type { OwnRequest } from '../../core/module.ts'
import { archiveShown } from '../../core/points.ts'
import type { SealedLog } from '../../core/sealed-log.ts'
import type { Element } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { forwardedXml } from '../../xmpp/forward.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { pageElement } from '../../xmpp/rsm.ts'
import { Client } from '../../xmpp/stanza.ts'
import { readHeader } from './kept-message.ts'
import type { Found, Pages } from './pages.ts'
import { Mam, type QueryLimits, readQuery } from './query.ts'
import type { Retractions } from './retractions.ts'

/** What is said of an archive to its owner. In the account's turn. */
export class Answers {
  readonly #archive: SealedLog
  readonly #pages: Pages
  readonly #retractions: Retractions
  readonly #hooks: Hooks
  readonly #limits: QueryLimits

  constructor(archive: SealedLog, pages: Pages, retractions: Retractions, hooks: Hooks, limits: QueryLimits) {
    this.#archive = archive
    this.#pages = pages
    this.#retractions = retractions
    this.#hooks = hooks
    this.#limits = limits
  }

  /** §4.2: sends the messages; gives what says that these were all. */
  async query({ account, session, payload }: OwnRequest): Promise<Element> {
    const query = readQuery(payload, this.#limits)
    if (!this.#archive.has(account)) return Mam('fin', { complete: 'true' }, pageElement({ count: 0 }))
    await this.#retractions.settle(account)
    const { found, page, isComplete } = await this.#pages.answer(account, query)
    for (const each of query.isFlipped ? found.toReversed() : found)
      session.send(resultElement(account.jid, session.jid, query.queryid, each))
    await this.#hooks.run(archiveShown, { session, ids: found.map(({ id }) => id) })
    return Mam('fin', { complete: isComplete ? 'true' : undefined }, pageElement(page))
  }

  /** §5: the first and the last message. */
  async metadata(account: Account): Promise<Element> {
    if (!this.#archive.has(account) || (await this.#archive.ends(account)) === undefined) return Mam('metadata')
    const [first] = await this.#archive.headers(account, { limit: 1 })
    const [last] = await this.#archive.headers(account, { limit: 1, isDescending: true })
    if (first === undefined || last === undefined) return Mam('metadata')
    const end = (name: 'start' | 'end', { ord, header }: typeof first): Element =>
      Mam(name, { id: this.#pages.idOf(account, ord), timestamp: writeDateTime(readHeader(header).at) })
    return Mam('metadata', {}, end('start', first), end('end', last))
  }
}

function resultElement(from: Jid, to: Jid, queryid: string | undefined, { id, at, message }: Found): Element {
  return Client('message', { from: String(from), to: String(to) }, Mam('result', { queryid, id }, forwardedXml(message, at)))
}

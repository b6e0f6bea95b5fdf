import type { Account } from '../../core/account.ts'
import type { Hooks } from '../../core/hooks.ts'
import type { OwnRequest } from '../../core/module.ts'
import { archiveShown } from '../../core/points.ts'
import type { SealedLog } from '../../core/sealed-log.ts'
import type { Element } from '../../xml/element.ts'
import type { Pages } from './pages.ts'
import { type QueryLimits, readQuery } from './query.ts'
import type { Retractions } from './retractions.ts'
import { finElement, metadataElement, resultElements } from './said.ts'

/** What is said of an archive to its owner. In the account's turn. */
export class Answers {
  readonly #archive: SealedLog
  readonly #pages: Pages<Account>
  readonly #retractions: Retractions
  readonly #hooks: Hooks
  readonly #limits: QueryLimits

  constructor(archive: SealedLog, pages: Pages<Account>, retractions: Retractions, hooks: Hooks, limits: QueryLimits) {
    this.#archive = archive
    this.#pages = pages
    this.#retractions = retractions
    this.#hooks = hooks
    this.#limits = limits
  }

  /** §4.2: sends the messages; gives what says that these were all. */
  async query({ account, session, payload }: OwnRequest): Promise<Element> {
    const query = readQuery(payload, this.#limits)
    if (!this.#archive.has(account)) return finElement({ page: { count: 0 }, isComplete: true })
    await this.#retractions.settle(account)
    const answer = await this.#pages.answer(account, query)
    for (const each of resultElements(account.jid, session.jid, query, answer)) session.send(each)
    await this.#hooks.run(archiveShown, { session, ids: answer.found.map(({ id }) => id) })
    return finElement(answer)
  }

  async metadata(account: Account): Promise<Element> {
    return metadataElement(await this.#pages.metadata(account))
  }
}

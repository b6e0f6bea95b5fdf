/** What clients did and saw, and whether it may be so: no loss of what was acknowledged, nothing twice, order kept (Jepsen's way). */

export interface Sent {
  readonly id: string
  readonly from: string
  readonly to: string
  /** Counts the sender's messages. */
  readonly n: number
  /** What the sender knows. Of `unknown` anything may have become. */
  outcome: 'unknown' | 'acknowledged' | 'refused'
}

export interface Received {
  readonly id: string
  readonly by: string
  /** Which of the recipient's streams brought it; a resumed stream is the same one. */
  readonly stream: number
  /** It came with a delay: out of the store. */
  readonly isLate: boolean
  /** That it has in the recipient's archive, if it was said. */
  readonly archiveId: string | undefined
}

/** What is wrong with an archive: how many messages that were acknowledged are missing, stand there twice, in the wrong order, or under another id than was said. */
export interface Misfiled {
  readonly missing: number
  readonly twice: number
  readonly disordered: number
  readonly renamed: number
}

export class History {
  readonly sent = new Map<string, Sent>()
  readonly received: Received[] = []
  readonly #mark: string
  readonly #counts = new Map<string, number>()
  /** Everything in its order, for a look at what went wrong. */
  readonly #events: string[] = []

  /** With a mark, its messages are told apart from those of other histories. */
  constructor(mark = '') {
    this.#mark = mark
  }

  send(from: string, to: string): Sent {
    const n = (this.#counts.get(from) ?? 0) + 1
    this.#counts.set(from, n)
    const sent: Sent = { id: `${from}${this.#mark}-${n}`, from, to, n, outcome: 'unknown' }
    this.sent.set(sent.id, sent)
    return sent
  }

  receive(received: Received): void {
    this.received.push(received)
    this.note(`${received.by} stream ${received.stream} got ${received.id}${received.isLate ? ' late' : ''}`)
  }

  note(event: string): void {
    this.#events.push(event)
  }

  /** What a message and its recipient went through, around the message. */
  about(id: string, recipient: string): string {
    const isAbout = (event: string): boolean =>
      event.split(' ').includes(id) || event.startsWith('---') || event.startsWith(`${recipient} `)
    const events = this.#events.filter(isAbout).filter(event => !event.startsWith(`${recipient} sends`))
    const at = events.findLastIndex(event => event.split(' ').includes(id))
    return events.slice(Math.max(0, at - 40), at + 10).join('\n')
  }

  get acknowledged(): Sent[] {
    return [...this.sent.values()].filter(({ outcome }) => outcome === 'acknowledged')
  }

  /** Acknowledged, and neither delivered nor refused. */
  lost(): Sent[] {
    const arrived = new Set(this.received.map(({ id }) => id))
    return this.acknowledged.filter(({ id }) => !arrived.has(id))
  }

  /** Delivered again. */
  twice(): string[] {
    const seen = new Set<string>()
    return this.received.map(({ id }) => id).filter(id => seen.size === seen.add(id).size)
  }

  /** First deliveries that came after a later message of the same sender to the same recipient. */
  disordered(): { id: string; after: string }[] {
    const last = new Map<string, Sent>()
    const seen = new Set<string>()
    const found: { id: string; after: string }[] = []
    for (const { id } of this.received) {
      const sent = this.sent.get(id)
      if (sent === undefined || seen.has(id)) continue
      seen.add(id)
      const before = last.get(sent.from)
      if (before !== undefined && before.n > sent.n) found.push({ id, after: before.id })
      else last.set(sent.from, sent)
    }
    return found
  }

  /** Looks through an archive of somebody (PRIVACY I4): `archived` is all that is in it, in its order. */
  misfiled(owner: string, archived: readonly { readonly archiveId: string; readonly id: string }[]): Misfiled {
    const ids = archived.map(({ id }) => id)
    const known = new Set(ids)
    const mine = this.acknowledged.filter(({ from, to }) => from === owner || to === owner)
    const under = new Map(archived.map(({ id, archiveId }) => [id, archiveId]))
    const said = this.received.filter(({ by, archiveId }) => by === owner && archiveId !== undefined)
    const last = new Map<string, number>()
    let disordered = 0
    for (const id of ids) {
      const sent = this.sent.get(id)
      if (sent === undefined) continue
      if (sent.n <= (last.get(sent.from) ?? 0)) disordered++
      last.set(sent.from, sent.n)
    }
    return {
      missing: mine.filter(({ id }) => !known.has(id)).length,
      twice: ids.length - known.size + archived.length - new Set(archived.map(({ archiveId }) => archiveId)).size,
      disordered,
      renamed: said.filter(({ id, archiveId }) => under.get(id) !== archiveId).length,
    }
  }
}

import type { Element } from '../../src/xml/element.ts'
import { Client, type Login, type Resumption } from './client.ts'
import type { History, Sent } from './history.ts'

/**
 * `steady` is always there and comes back with `<resume/>`; `away` leaves from time to time, with a goodbye or without;
 * `reading` is like it, and reads in the archive what is new before it says that it is there (XEP-0313); `plain` knows no stream
 * management, so what was on its way in a crash is lost and nobody is to blame.
 */
export type Habit = 'steady' | 'away' | 'reading' | 'plain'

/** A message as it stands in the archive of the person. */
export interface Archived {
  readonly archiveId: string
  readonly id: string
  readonly from: string
}

/** Where the accounts of people are. */
export interface Home {
  readonly domain: string
  login(name: string): Login
}

/** One who writes to a partner, and remembers what was sent, acknowledged and received. */
export class Person {
  readonly name: string
  readonly habit: Habit
  readonly #partner: string
  readonly #address: string
  readonly #home: Home
  readonly #history: History
  #client: Client | undefined
  #resumption: Resumption | undefined
  #stream = 0
  /** What was sent in this stream, in the order in which the server counts. */
  #outbox: (Sent | undefined)[] = []
  #acknowledged = 0
  /** The newest message of its archive that it knows. */
  #newest: string | undefined
  /** What the archive gives it just now. */
  #page: Archived[] = []
  resumed = 0

  /** A partner is a name, or an address elsewhere. */
  constructor(name: string, partner: string, habit: Habit, home: Home, history: History) {
    this.name = name
    this.#address = partner.includes('@') ? partner : `${partner}@${home.domain}`
    this.#partner = partner.split('@')[0]!
    this.habit = habit
    this.#home = home
    this.#history = history
  }

  get isOnline(): boolean {
    return this.#client !== undefined && !this.#client.isClosed
  }

  /** How many of its stanzas wait to be acknowledged. */
  get waiting(): number {
    return this.#outbox.length - this.#acknowledged
  }

  /** Comes online, the way it is used to. */
  async comeOnline(): Promise<void> {
    const client = await Client.login(this.#home.login(this.name))
    client.onStanza = stanza => this.#take(stanza)
    client.onAcknowledged = h => this.#has(h)
    this.#client = client
    const former = this.#resumption
    if (former !== undefined) {
      const h = await client.resume(former)
      if (h !== undefined) {
        this.resumed++
        this.#history.note(`${this.name} resumed stream ${this.#stream}, server has ${h}, client has ${former.received}`)
        this.#has(h)
        this.#outbox.length = h // the rest is not sent again; of it nobody knows
        return
      }
      this.#history.note(`${this.name} could not resume stream ${this.#stream} with h=${former.received}`)
    }
    this.#stream++
    this.#outbox = []
    this.#acknowledged = 0
    await client.bind('home')
    if (this.habit !== 'plain') await client.enable()
    if (this.habit === 'reading') await this.#catchUp()
    this.#count('<presence/>', undefined)
    // Until the server has dealt with it, what was read does not count as received.
    if (this.habit === 'reading') await this.#asks('get', '<ping xmlns="urn:xmpp:ping"/>', this.#home.domain)
  }

  /** All that is in its archive, once it is online. */
  async readArchive(): Promise<Archived[]> {
    const all: Archived[] = []
    for (let after: string | undefined, isComplete = false; !isComplete; after = all.at(-1)?.archiveId) {
      isComplete = await this.#readPage(after)
      all.push(...this.#page.splice(0))
    }
    return all
  }

  async #catchUp(): Promise<void> {
    for (let isComplete = false; !isComplete; ) {
      isComplete = await this.#readPage(this.#newest)
      for (const { archiveId, id, from } of this.#page.splice(0)) {
        this.#newest = archiveId
        if (from === this.#partner) this.#history.receive({ id, by: this.name, stream: this.#stream, isLate: true, archiveId })
      }
    }
  }

  /** True if there is nothing after it. */
  async #readPage(after: string | undefined): Promise<boolean> {
    const from = after === undefined ? '' : `<after>${after}</after>`
    const query = `<query xmlns="${MAM}"><set xmlns="http://jabber.org/protocol/rsm"><max>100</max>${from}</set></query>`
    const answer = await this.#asks('set', query)
    if (answer.attrs['type'] !== 'result') throw new Error(`the archive says ${answer}`)
    return answer.first()!.attrs['complete'] === 'true'
  }

  /** It is a stanza like any other: the server counts it. */
  #asks(type: 'get' | 'set', payload: string, to?: string): Promise<Element> {
    this.#outbox.push(undefined)
    return this.#client!.asks(type, payload, to)
  }

  /** The line breaks, or the server did: what it has got it knows. */
  lose(): void {
    if (this.#client === undefined) return
    this.#resumption = this.#client.resumption
    this.#client.break()
    this.#client = undefined
    this.#history.note(`${this.name} lost stream ${this.#stream}, client has ${this.#resumption?.received}`)
  }

  async leave(): Promise<void> {
    const client = this.#client
    this.#history.note(`${this.name} leaves stream ${this.#stream}, client has ${client?.received}`)
    await client?.leave()
    this.#client = undefined
    this.#resumption = undefined
  }

  write(): void {
    if (!this.isOnline) return
    const sent = this.#history.send(this.name, this.#partner)
    this.#history.note(`${this.name} sends ${sent.id}`)
    this.#count(`<message type="chat" id="${sent.id}" to="${this.#address}"><body>${sent.n} of ${this.name}</body></message>`, sent)
  }

  ask(): void {
    if (this.habit !== 'plain') this.#client?.ask()
  }

  #count(xml: string, sent: Sent | undefined): void {
    this.#outbox.push(sent)
    this.#client!.send(xml)
  }

  #has(h: number): void {
    for (const sent of this.#outbox.slice(this.#acknowledged, h)) if (sent?.outcome === 'unknown') sent.outcome = 'acknowledged'
    this.#acknowledged = Math.max(this.#acknowledged, h)
    this.#history.note(`${this.name} is told that ${this.#outbox[h - 1]?.id} is safe`)
  }

  #take(stanza: Element): void {
    const { id = '', type } = stanza.attrs
    if (stanza.name !== 'message') return
    if (type === 'error') {
      const sent = this.#history.sent.get(id)
      if (sent !== undefined) sent.outcome = 'refused'
      return
    }
    const children = stanza.elements()
    const result = children.find(({ ns, name }) => ns === MAM && name === 'result')
    if (result !== undefined) return void this.#page.push(readResult(result))
    const isLate = children.some(({ name }) => name === 'delay')
    const archiveId = children.find(({ name, attrs }) => name === 'stanza-id' && attrs['by'] === `${this.name}@${this.#home.domain}`)
      ?.attrs['id']
    this.#newest = archiveId ?? this.#newest
    this.#history.receive({ id, by: this.name, stream: this.#stream, isLate, archiveId })
  }
}

const MAM = 'urn:xmpp:mam:2'

function readResult(result: Element): Archived {
  const { id = '', from = '' } = result
    .first()!
    .elements()
    .find(({ name }) => name === 'message')!.attrs
  return { archiveId: result.attrs['id']!, id, from: from.split('@')[0]! }
}

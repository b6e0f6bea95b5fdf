/** A log with two accounts, for tests: everything around it is made up, but the database. */
import { randomBytes } from 'node:crypto'
import { PrivateKey } from '../../seal/private-key.ts'
import { endOf, type RetentionClass } from '../../seal/retention.ts'
import { type Db, name, StorageError, type Store, sql } from '../../storage/db.ts'
import { openTestStore } from '../../storage/test-store.ts'
import { Account } from '../account.ts'
import { Hooks } from '../hooks.ts'
import { silentLog } from '../log.ts'
import { accountLoaded, accountLocked, accountRemoved, hostClosed } from '../points.ts'
import { logMigrations, SealedLog, unfiledMigration } from '../sealed-log.ts'
import type { LogKeys, Shred } from './parts.ts'

class TestKeys implements LogKeys {
  readonly number = randomBytes(6).readUIntBE(0, 6)
  readonly id = randomBytes(16)
  generation = 1
  isOpen = true
  readonly all = new Map([[1, PrivateKey.generate()]])

  get publicKey(): Buffer {
    return this.all.get(this.generation)!.publicKey
  }

  keyOf(generation = this.generation): PrivateKey | undefined {
    return this.opened().get(generation)
  }

  opened(): ReadonlyMap<number, PrivateKey> {
    return this.isOpen ? this.all : new Map()
  }
}

class TestShred implements Shred {
  readonly periods = new Map<string, Buffer>()
  readonly accounts = new Map<string, { archive: Buffer; server: Buffer }>()

  period(cls: RetentionClass, period: number): Buffer | undefined {
    return this.periods.get(`${cls} ${period}`)
  }

  async makePeriod(cls: RetentionClass, period: number): Promise<Buffer> {
    const secret = this.period(cls, period) ?? randomBytes(32)
    this.periods.set(`${cls} ${period}`, secret)
    return secret
  }

  account(id: Buffer): { archive: Buffer; server: Buffer } | undefined {
    return this.accounts.get(id.toString('hex'))
  }

  async makeAccount(id: Buffer): Promise<void> {
    this.accounts.set(id.toString('hex'), { archive: randomBytes(32), server: randomBytes(32) })
  }

  destroyOld(now: number): void {
    for (const key of this.periods.keys()) {
      const [cls, period] = key.split(' ').map(Number)
      if (endOf(cls as RetentionClass, period!) <= now) this.periods.delete(key)
    }
  }
}

export class TestLog {
  readonly store: Store
  readonly romeo = new Account('romeo', 'here.example')
  readonly juliet = new Account('juliet', 'here.example')
  readonly keys = new Map([this.romeo, this.juliet].map(account => [account, new TestKeys()]))
  readonly shred = new TestShred()
  now = Date.UTC(2026, 0, 1, 12)
  /** The next write fails, as on a full disk. */
  isFull = false
  /** The next messages do not reach the disk, their segments do. */
  isTorn = false
  log: SealedLog
  spool: SealedLog
  #hooks = new Hooks()
  #run = 0
  #timers: { readonly at: number; readonly work: () => void }[] = []

  private constructor(store: Store) {
    this.store = store
    ;[this.log, this.spool] = this.#begin()
  }

  static async open(): Promise<TestLog> {
    return new TestLog(
      await openTestStore(
        ['test', 'spool'].map(owner => ({ owner, steps: [...logMigrations(owner, owner === 'spool'), unfiledMigration(owner)] })),
      ),
    )
  }

  /** As after a crash. */
  restart(): void {
    ;[this.log, this.spool] = this.#begin()
  }

  /** Adds a message, and waits until it is on disk. */
  async add(account: Account, text: string, cls: RetentionClass = 7): Promise<number> {
    const { ord, safe } = await this.log.append(account, cls, Buffer.from(`h:${text}`), Buffer.from(text))
    await safe
    return ord
  }

  lock(account: Account): void {
    this.keys.get(account)!.isOpen = false
    void this.#hooks.tell(accountLocked, account, () => {})
  }

  renewKey(account: Account): void {
    const keys = this.keys.get(account)!
    keys.all.set(++keys.generation, PrivateKey.generate())
  }

  later(ms: number): void {
    this.now += ms
    const due = this.#timers.filter(({ at }) => at <= this.now)
    this.#timers = this.#timers.filter(({ at }) => at > this.now)
    for (const { work } of due) work()
  }

  load(account: Account): Promise<void> {
    return Promise.resolve(this.#hooks.tell(accountLoaded, account, () => {}))
  }

  close(): Promise<void> {
    return Promise.resolve(this.#hooks.tell(hostClosed, undefined, () => {}))
  }

  /** Removes the account in a transaction. */
  async remove(account: Account): Promise<void> {
    const afterwards: (() => void)[] = []
    await this.store.tx(async db => {
      await this.#hooks.run(accountRemoved, { account: account.name, db, afterwards: work => afterwards.push(work) })
    })
    for (const work of afterwards) work()
  }

  /** Waits until all that was added stands in the tables. */
  async filed(): Promise<void> {
    for (const log of [this.log, this.spool]) for (const account of this.keys.keys()) await log.ends(account)
  }

  async count(what: 'message' | 'segment' | 'extent' | 'unfiled'): Promise<number> {
    if (what !== 'unfiled') await this.filed()
    const [row] = await this.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM ${name(`test_${what}`)}`)
    return row!.n
  }

  /** All that is in the tables, as text. */
  async dump(): Promise<string> {
    await this.filed()
    const all = [
      ...(await this.store.all(sql`SELECT seg, header, body FROM test_message`)),
      ...(await this.store.all(sql`SELECT * FROM test_segment`)),
    ]
    return all
      .flatMap(row => Object.values(row as object))
      .map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
      .join('\n')
  }

  /** Waits until nothing is left to be removed. */
  async cleaned(): Promise<void> {
    for (let before = -1, now = await this.count('message'); now !== before; ) {
      before = now
      for (let i = 0; i < 20; i++) await new Promise(resolve => setTimeout(resolve, 1))
      now = await this.count('message')
    }
  }

  #begin(): [SealedLog, SealedLog] {
    this.#hooks = new Hooks()
    this.#timers = []
    const host = {
      accounts: { of: (account: string) => (account === 'romeo' ? this.romeo : this.juliet) },
      keys: { of: (account: Account) => this.keys.get(account), shred: this.shred },
      db: this.#db(),
      clock: { now: () => this.now, after: (ms: number, work: () => void) => this.#after(ms, work) },
      log: silentLog,
      on: this.#hooks.on.bind(this.#hooks),
    }
    return [
      new SealedLog(host, { prefix: 'test', store: 1, secret: 'archive' }),
      new SealedLog(host, { prefix: 'spool', store: 2, secret: 'server' }),
    ]
  }

  #after(ms: number, work: () => void): () => void {
    this.#timers.push({ at: this.now + ms, work })
    return () => {}
  }

  /** What was begun before a restart does nothing more. */
  #db(): Db {
    const run = ++this.#run
    const unless = <T>(isFull: boolean, work: () => Promise<T>): Promise<T> => {
      if (run !== this.#run) return Promise.reject(new StorageError('broken', 'the process has ended'))
      if (isFull) return Promise.reject(new StorageError('full', 'the disk has no room for the database'))
      return work()
    }
    return {
      writesPages: this.store.writesPages,
      all: query => unless(false, () => this.store.all(query)),
      run: query => unless(this.isFull, () => this.store.run(query)),
      insert: (into, rows) => unless(this.isFull || this.isTorn, () => this.store.insert(into, rows)),
      tx: work => unless(false, () => this.store.tx(work)),
    }
  }
}

/**
 * PRIVACY: for any sequence of messages, logins, new passwords, resets, changes of retention, days, crashes and restarts a model says
 * which messages can be read, and the implementation agrees. `MODEL_RUNS=100000` tries more sequences than usual.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SealedAccount } from './account.ts'
import { type FastKind, type FastRecord, hashedToken, openFast, sealFast } from './fast.ts'
import { openFormerKey, sealFormerKey } from './former-key.ts'
import { PrivateKey } from './private-key.ts'
import { endOf, periodOf, type RetentionClass } from './retention.ts'
import { type SegmentAddress, SegmentOpener, SegmentSealer } from './segment.ts'
import { fateOf, TestDisk } from './shred/test-disk.ts'
import { openShredFile, type ShredStore } from './shred-store.ts'
import { input } from './test-fixture.ts'
import { type CredentialKind, unwrapKey, wrapKey } from './wrap.ts'

const HOUR = 3_600_000
const KINDS = ['SHA-1', 'SHA-256', 'SHA-512', 'recovery', 'app'] as const satisfies readonly CredentialKind[]
const FAST: FastKind = 'HT-SHA-256-NONE'
const TOKEN = Buffer.from('token')

type Credential = (typeof KINDS)[number] | 'fast'

type Step =
  | { readonly do: 'message' }
  | { readonly do: 'login'; readonly by: Credential }
  | { readonly do: 'wrong login'; readonly by: Credential }
  | { readonly do: 'new password'; readonly by: Credential }
  | { readonly do: 'reset' }
  | { readonly do: 'delete archive' }
  | { readonly do: 'retention'; readonly to: RetentionClass }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'clock leaps' }
  | { readonly do: 'restart' }
  | { readonly do: 'crash'; readonly seed: number }
  | { readonly do: 'message and crash'; readonly seed: number; readonly after: number }

/** A row of the database, and what the model knows of it. */
interface Message {
  readonly address: SegmentAddress
  readonly enc: Buffer
  readonly index: number
  readonly ord: number
  readonly header: Buffer
  readonly body: Buffer
  readonly text: string
  isReadable: boolean
}

/** What the model thinks comes first, what is real afterwards. */
class World {
  now = Date.UTC(2026, 7, 18, 12)
  cls: RetentionClass = 7
  readonly messages: Message[] = []
  /** Every private key that there ever was: a thief has them all. */
  readonly stolen: PrivateKey[] = []
  password = 0

  disk = new TestDisk()
  store!: ShredStore
  account!: SealedAccount
  wraps = new Map<CredentialKind, Buffer>()
  fast!: FastRecord
  /** The key of each former generation, under the next. */
  formers = new Map<number, { readonly account: SealedAccount; readonly blob: Buffer }>()
  ord = 0
  #segment: { readonly address: SegmentAddress; readonly sealer: SegmentSealer } | undefined

  async start(): Promise<void> {
    this.store = await openShredFile('shred', this.disk)
    await this.store.expire(this.now)
    const id = input('acct', 16)
    await this.store.makeAccount(id)
    this.#setKey(PrivateKey.generate(), { id, generation: 1 })
  }

  async message(): Promise<void> {
    const period = periodOf(this.cls, this.now)
    const secret = await this.store.makePeriod(this.cls, period)
    const { archive } = this.store.account(this.account.id)!
    const last = this.#segment?.address
    if (last?.class !== this.cls || last.period !== period || last.account !== this.account) {
      this.endSegment()
      const address = { account: this.account, store: 1, segment: this.ord, class: this.cls, period }
      this.#segment = { address, sealer: new SegmentSealer(address, secret, archive) }
    }
    const { address, sealer } = this.#segment!
    const text = `message ${this.ord}`
    const index = this.ord - address.segment
    const boxes = sealer.seal(index, this.ord, Buffer.from(`header of ${text}`), Buffer.from(text))
    this.messages.push({ address, enc: sealer.enc, index, ord: this.ord++, ...boxes, text, isReadable: true })
  }

  /** A live segment ends with the process, with the key and with the archive. */
  endSegment(): void {
    this.#segment?.sealer.wipe()
    this.#segment = undefined
  }

  login(by: Credential, password = this.password): PrivateKey {
    const secret = secretOf(by, password)
    if (by !== 'fast') return unwrapKey(by, secret, this.wraps.get(by)!, this.account)
    const { token, key } = openFast(FAST, secret, this.fast, this.account)
    assert.deepEqual(token.bytes, TOKEN)
    return key
  }

  /** All that the owner can read is what the model says. */
  read(key: PrivateKey): void {
    const keys = this.#keysFrom(key)
    for (const message of this.messages) {
      const own = keys.get(message.address.account.generation)
      assert.equal(own && this.#open(message, own), message.isReadable ? message.text : undefined, message.text)
    }
  }

  /** What is dead nobody opens, whichever keys he has. */
  steal(): void {
    for (const message of this.messages)
      if (!message.isReadable) for (const key of this.stolen) assert.equal(this.#open(message, key), undefined, message.text)
  }

  newPassword(key: PrivateKey): void {
    const former = this.account
    this.password++
    this.#setKey(PrivateKey.generate(), { ...former, generation: former.generation + 1 })
    this.formers.set(former.generation, { account: this.account, blob: sealFormerKey(this.account, key, former.generation) })
  }

  async reset(): Promise<void> {
    for (const message of this.messages) message.isReadable = false
    this.password++
    this.formers.clear()
    this.#setKey(PrivateKey.generate(), { ...this.account, generation: this.account.generation + 1 })
    await this.store.replaceAccount(this.account.id)
  }

  async deleteArchive(): Promise<void> {
    for (const message of this.messages) message.isReadable = false
    this.endSegment()
    await this.store.replaceAccount(this.account.id)
  }

  async wait(hours: number): Promise<void> {
    for (let hour = 0; hour < hours; hour += 24) {
      this.now += Math.min(24, hours - hour) * HOUR
      assert.equal((await this.store.expire(this.now)).isHalted, false)
    }
    for (const message of this.messages) {
      const { class: cls, period } = message.address
      if (endOf(cls as RetentionClass, period) <= this.now) message.isReadable = false
    }
  }

  async reopen(disk: TestDisk): Promise<void> {
    this.endSegment()
    this.disk = disk
    this.store = await openShredFile('shred', disk)
    assert.equal(this.store.isNew, false)
  }

  #setKey(key: PrivateKey, account: Omit<SealedAccount, 'publicKey'>): void {
    this.endSegment()
    this.stolen.push(key)
    this.account = { ...account, publicKey: key.publicKey }
    for (const kind of KINDS) this.wraps.set(kind, wrapKey(kind, secretOf(kind, this.password), key, this.account))
    this.fast = sealFast(FAST, TOKEN, secretOf('fast', this.password), key, this.account)
  }

  #keysFrom(key: PrivateKey): Map<number, PrivateKey> {
    const keys = new Map([[this.account.generation, key]])
    for (let generation = this.account.generation - 1; this.formers.has(generation); generation--) {
      const { account, blob } = this.formers.get(generation)!
      keys.set(generation, openFormerKey(keys.get(generation + 1)!, account, generation, blob))
    }
    return keys
  }

  #open(message: Message, key: PrivateKey): string | undefined {
    const { address, enc, index, ord } = message
    const period = this.store.period(address.class, address.period)
    if (period === undefined) return undefined
    const opener = new SegmentOpener(address, enc, key, period, this.store.account(this.account.id)!.archive)
    try {
      const text = opener.body(index, ord, message.body).toString()
      assert.equal(opener.header(index, ord, message.header).toString(), `header of ${text}`)
      return text
    } catch (error) {
      assert.equal((error as { reason?: string }).reason, 'unreadable')
      return undefined
    } finally {
      opener.wipe()
    }
  }
}

function secretOf(by: Credential, password: number): Buffer {
  const sizes = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64, recovery: 16, app: 32, fast: 32 }
  const secret = input(`${by} ${password}`, sizes[by])
  return by === 'fast' ? hashedToken(TOKEN, 'Initiator', secret) : secret
}

async function take(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'message':
      return world.message()
    case 'login':
      return world.read(world.login(step.by))
    case 'wrong login':
      assert.throws(() => world.login(step.by, world.password + 1), { reason: 'unreadable' })
      if (world.password > 0) assert.throws(() => world.login(step.by, world.password - 1), { reason: 'unreadable' })
      return
    case 'new password':
      return world.newPassword(world.login(step.by))
    case 'reset':
      return world.reset()
    case 'delete archive':
      return world.deleteArchive()
    case 'retention':
      world.cls = step.to
      return
    case 'wait':
      return world.wait(step.hours)
    case 'clock leaps':
      assert.deepEqual(await world.store.expire(world.now + 49 * HOUR), { destroyed: [], isHalted: true })
      return
    case 'restart':
      await world.store.close()
      return world.reopen(world.disk)
    case 'crash':
      return world.reopen(world.disk.restart(fateOf(step.seed)))
    case 'message and crash':
      world.disk.failAt = world.disk.changes + step.after
      // It may be lost: nobody was told that it is safe. Those before it may not.
      await world.message().catch(() => {})
      return world.reopen(world.disk.restart(fateOf(step.seed)))
  }
}

const credential = fc.constantFrom<Credential[]>(...KINDS, 'fast')
const seed = fc.nat(1000)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ do: 'message' } as const) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('login' as const), by: credential }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wrong login' as const), by: credential }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('new password' as const), by: credential }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reset' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'delete archive' } as const) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retention' as const), to: fc.constantFrom<RetentionClass[]>(1, 7, 8, 30) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      hours: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(168, 192, 744)),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'clock leaps' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' } as const) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), seed }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('message and crash' as const), seed, after: fc.integer({ min: 1, max: 3 }) }) },
)

test('which messages can be read is what the model says, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
      const world = new World()
      await world.start()
      for (const step of steps) await take(world, step)
      world.read(world.login('SHA-256'))
      world.steal()
      await world.store.close()
    }),
    { numRuns: Number(process.env['MODEL_RUNS'] ?? 150) },
  )
})

import type { ShredStore } from '../seal/shred-store.ts'
import type { Clock } from './clock.ts'
import type { Failed, Hooks } from './hooks.ts'
import type { Log } from './log.ts'
import { secretsDestroyed } from './points.ts'

const HOUR = 3_600_000

/** After the hour is over, in ms: a clock may differ a little from that of the timer. */
const AFTER = 1000

interface Expiring {
  readonly hooks: Hooks
  readonly failed: Failed
}

/**
 * Destroys secrets when their time is over, for all domains of the process: at the start, then at each full hour, as no period ends
 * between. Then the hosts remove what nobody can open any more.
 */
export class Expiry {
  readonly #shred: ShredStore
  readonly #hosts: readonly Expiring[]
  readonly #clock: Clock
  readonly #log: Log
  #isHalted = false
  #isStopped = false
  #underWay: Promise<void> | undefined
  /** The hosts remove what cannot be opened any more. */
  #tidying: Promise<unknown> | undefined
  #cancel: (() => void) | undefined
  /** Called when the clock has jumped so far ahead that nothing is destroyed until the operator confirms it. */
  onHalted: (() => void) | undefined

  constructor(shred: ShredStore, hosts: readonly Expiring[], clock: Clock, log: Log) {
    this.#shred = shred
    this.#hosts = hosts
    this.#clock = clock
    this.#log = log
  }

  /** Nothing is destroyed, as the clock is not to be believed. */
  get isHalted(): boolean {
    return this.#isHalted
  }

  /** Done when all is destroyed whose time is over; goes on by itself from then on. */
  async start(): Promise<void> {
    if (this.#isStopped) return
    // First: what is done afterwards may take long, and the next hour must not wait for it.
    this.#cancel = this.#clock.after(HOUR - (this.#clock.now() % HOUR) + AFTER, () => void this.start())
    this.#underWay = this.run().catch(error => this.#log.fault('expiry.failed', error))
    await this.#underWay
  }

  /** Nothing is begun any more. Done when what was has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancel?.()
    await this.#underWay
  }

  /** Destroys what is to be destroyed now. */
  async run(): Promise<void> {
    const { destroyed, isHalted } = await this.#shred.expire(this.#clock.now())
    if (isHalted && !this.#isHalted) {
      this.#log.warn('expiry.halted')
      this.onHalted?.()
    }
    this.#isHalted = isHalted
    if (destroyed.length > 0) this.#log.info('expiry.destroyed', { secrets: destroyed.length })
    this.#tidying ??= Promise.all(this.#hosts.map(({ hooks, failed }) => hooks.tell(secretsDestroyed, undefined, failed))).finally(() => {
      this.#tidying = undefined
    })
    await this.#tidying
  }

  /** The operator says that the clock is right. */
  async confirmClock(): Promise<void> {
    await this.#shred.confirmClock(this.#clock.now())
    await this.run()
  }
}

/**
 * Who answers for a message on its way (DESIGN law 7). Its sender's stream acknowledges it when it is safe:
 * a session that got it has acknowledged it, or it is on disk, or its sender was told that it failed.
 */
export class Custody {
  #holders = 0
  /** Those of them that took it for good: sessions, not those through whose hands it only passes. */
  #keepers = 0
  #isSafe = false
  #isTaken = false
  /** What else must be on disk before the sender may hear of it. */
  #pledges = 0
  /** Called once, when the message has become safe after it was held, and all pledges are redeemed. */
  onSettled: (() => void) | undefined
  /** Those who hold it and can be asked to hurry: the sender waits for its acknowledgement. */
  #hurry: ((isUrgent: boolean) => void)[] | undefined
  /** Whether those who take it later shall hurry too, and how. */
  #isUrgent: boolean | undefined

  /** Someone has it and will say `safe()` or `release()`; `hurry` is called when the sender asks for its acknowledgement. */
  hold(hurry?: (isUrgent: boolean) => void): void {
    this.#holders++
    if (hurry === undefined) return
    this.#keepers++
    if (this.#hurry === undefined) this.#hurry = [hurry]
    else this.#hurry.push(hurry)
    // Once it has the message: it may have been on its way when the sender asked.
    if (this.#isUrgent !== undefined) queueMicrotask(() => this.#isSafe || hurry(this.#isUrgent!))
  }

  /** It is safe; what others still do with it does not matter. */
  safe(): void {
    if (this.#isSafe) return
    this.#isSafe = true
    this.#hurry = undefined
    if (this.#pledges === 0) this.onSettled?.()
  }

  /** A session's client has acknowledged it: the account's others need not get it instead. */
  taken(): void {
    this.#isTaken = true
    this.safe()
  }

  get isTaken(): boolean {
    return this.#isTaken
  }

  /** Something is being written that the acknowledgement promises too, such as the copy in the sender's archive. */
  pledge(): void {
    this.#pledges++
  }

  redeem(): void {
    if (--this.#pledges === 0 && this.isSafe) this.onSettled?.()
  }

  /** One holder has passed it on or given it back. When nobody holds it any more, all has been done for it. */
  release(): void {
    if (--this.#holders <= 0) this.safe()
  }

  /** One that could be asked to hurry gives it back. True if nobody else has it, and it is not safe: then it has to go another way. */
  giveBack(): boolean {
    return --this.#keepers === 0 && !this.#isSafe
  }

  get isSafe(): boolean {
    return this.#isSafe || this.#holders === 0
  }

  /** It may be acknowledged. */
  get isSettled(): boolean {
    return this.isSafe && this.#pledges === 0
  }

  /** Urgent: it shall be put on disk at once. */
  hurry(isUrgent: boolean): void {
    this.#isUrgent = this.#isUrgent === true || isUrgent
    const all = this.#hurry
    if (all === undefined) return
    for (const ask of all) ask(isUrgent)
  }
}

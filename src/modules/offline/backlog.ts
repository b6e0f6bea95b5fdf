import type { Position } from '../../core/session.ts'
import type { Note } from './note.ts'

/** How much there is. */
export interface Sum {
  count: number
  bytes: number
}

/** Of one account. */
export interface Sums {
  readonly all: Sum
  readonly ofStrangers: Sum
  /** When it was read from the disk, in ms. */
  readonly readAt: number
}

/** What waits for one account, as far as the server knows it: always how much, and each note while there are sessions that it may go to. */
export class Backlog {
  readonly sums: Sums
  /** In the order in which they came. */
  #notes: Map<number, Note> | undefined
  /** What the present key does not open; a key that is regained may. */
  readonly #closed = new Set<number>()

  /** Of no more than the sums. */
  constructor(sums: Sums) {
    this.sums = sums
  }

  static of(notes: readonly Note[], readAt: number): Backlog {
    const backlog = new Backlog({ all: { count: 0, bytes: 0 }, ofStrangers: { count: 0, bytes: 0 }, readAt })
    backlog.#notes = new Map()
    for (const note of notes) backlog.add(note)
    return backlog
  }

  get isEmpty(): boolean {
    return this.sums.all.count === 0
  }

  /** False once the notes were let go of: then this backlog must be read again. */
  get isWhole(): boolean {
    return this.#notes !== undefined || this.isEmpty
  }

  get notes(): Iterable<Note> {
    return this.#notes?.values() ?? []
  }

  add(note: Note): void {
    this.#notes?.set(note.ord, note)
    this.#count(note, 1)
  }

  remove(note: Note): void {
    this.#notes?.delete(note.ord)
    this.#closed.delete(note.ord)
    this.#count(note, -1)
  }

  /** It has been sent, or shown. */
  place(note: Note): void {
    this.#notes?.set(note.ord, note)
  }

  close(ord: number): void {
    this.#closed.add(ord)
  }

  /** From now on what did not open is tried again. */
  reopen(): void {
    this.#closed.clear()
  }

  /** Keeps no more than how much there is. */
  letGo(): void {
    this.#notes = undefined
    this.#closed.clear()
  }

  /** Whether the very message that stands at the position is here. */
  has({ stream, seq }: Position): boolean {
    for (const { place } of this.notes) if (place?.stream === stream && place.seq === seq && !place.isShown) return true
    return false
  }

  /** Those that no stream carries which may still acknowledge them, and that can be opened. */
  *waiting(streams: ReadonlySet<string>): Iterable<Note> {
    for (const note of this.notes) {
      if (!this.#closed.has(note.ord) && (note.place === undefined || !streams.has(note.place.stream))) yield note
    }
  }

  /** Those that stand in the stream. */
  *in(stream: string): Iterable<Note> {
    for (const note of this.notes) if (note.place?.stream === stream) yield note
  }

  #count({ size, isFromStranger }: Note, sign: 1 | -1): void {
    const { all, ofStrangers } = this.sums
    for (const sum of isFromStranger ? [all, ofStrangers] : [all]) {
      sum.count += sign
      sum.bytes += sign * size
    }
  }
}

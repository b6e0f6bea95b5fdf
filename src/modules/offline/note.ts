import type { Position } from '../../core/session.ts'

/**
 * What the server must know of a message that waits while its owner is away. It is sealed for the server (class B): whoever has the
 * disk without the secrets beside it learns nothing of it; whoever has both, no more than this. When a message came, from whom and
 * what it says is sealed to its owner. In the clear stand only the account's number, the message's ord, its segment with class and
 * day, and how large it is in steps.
 */
export interface Note {
  readonly ord: number
  /** Of its XML in bytes, since there is room for so much. */
  readonly size: number
  /** Its sender was no contact of the account: strangers have a part of the room. */
  readonly isFromStranger: boolean
  /** A hash of the id that it has in the archive too, so that a client which has read it there does not get it twice. */
  readonly archived: string | undefined
  /** Where it stands in a stream that has not acknowledged it, so that it comes once, even after a crash. */
  readonly place: Place | undefined
}

export interface Place extends Position {
  /** What stands there is not the message itself: it was shown out of the archive, at the latest there. */
  readonly isShown: boolean
}

/** A note has at most 123 bytes, so that all are padded to one size. */
export function writeNote({ size, isFromStranger, archived, place }: Omit<Note, 'ord'>): Buffer {
  const { stream, seq, isShown } = place ?? {}
  return Buffer.from(JSON.stringify([size, Number(isFromStranger), archived ?? 0, stream ?? 0, seq ?? 0, Number(isShown ?? false)]))
}

export function readNote(ord: number, bytes: Buffer): Note {
  const [size, isFromStranger, archived, stream, seq, isShown] = JSON.parse(String(bytes)) as [
    number,
    0 | 1,
    string | 0,
    string | 0,
    number,
    0 | 1,
  ]
  return {
    ord,
    size,
    isFromStranger: isFromStranger === 1,
    archived: archived === 0 ? undefined : archived,
    place: stream === 0 ? undefined : { stream, seq, isShown: isShown === 1 },
  }
}

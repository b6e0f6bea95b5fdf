import { hash } from 'node:crypto'
import type { Entry } from '../../core/sealed-log.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { correctedId } from './worth-keeping.ts'

/** What is known of a message without its body. */
export interface Header {
  /** When it was sent or received, in ms. */
  readonly at: number
  readonly isOutgoing: boolean
  readonly isPrivateInRoom: boolean
  /** The other side. */
  readonly peer: string
  readonly resource: string
  /** That its sender gave it; undefined for one that is too long to be kept here. */
  readonly id: string | undefined
  /** The tag of the id of the message that it corrects. */
  readonly corrects: Buffer | undefined
}

const VERSION = 1
const OUTGOING = 1
const PRIVATE_IN_ROOM = 2
const CORRECTION = 4
const TAG_SIZE = 8
const LONGEST_ID = 200
const TIME_SIZE = 6
/** That the seal writes before what it pads: with it, a body has just the size that it shall have. */
const LENGTH_SIZE = 4
const NOTHING = Buffer.alloc(0)

export function headerOf(message: Element, at: number, peer: Jid, isOutgoing: boolean, isPrivateInRoom: boolean): Header {
  const corrected = correctedId(message)
  const corrects = corrected === undefined ? undefined : tagOfId(corrected)
  return { at, isOutgoing, isPrivateInRoom, peer: String(peer.bare), resource: peer.resource, id: message.attrs['id'], corrects }
}

/** Short, as headers of one size tell least: with it few are larger than without. */
export const tagOfId = (id: string): Buffer => hash('sha256', id, 'buffer').subarray(0, TAG_SIZE)

/**
 * `u8 version ‖ u8 flags ‖ u48 time ‖ peer ‖ resource ‖ id`, each text with its length in 16 bits before it, and of a correction
 * 8 bytes that say of which message it is.
 */
export function writeHeader({ at, isOutgoing, isPrivateInRoom, peer, resource, id = '', corrects = NOTHING }: Header): Buffer {
  // Each straight into a buffer of its own: a pool would keep them.
  const texts = [peer, resource, id.length > LONGEST_ID ? '' : id]
  let size = 2 + TIME_SIZE + corrects.length
  for (const text of texts) size += 2 + Buffer.byteLength(text)
  const bytes = Buffer.alloc(size)
  bytes[0] = VERSION
  bytes[1] = (isOutgoing ? OUTGOING : 0) | (isPrivateInRoom ? PRIVATE_IN_ROOM : 0) | (corrects.length > 0 ? CORRECTION : 0)
  bytes.writeUIntBE(at, 2, TIME_SIZE)
  let end = 2 + TIME_SIZE
  for (const text of texts) {
    const length = bytes.write(text, end + 2)
    end = bytes.writeUInt16BE(length, end) + length
  }
  corrects.copy(bytes, end)
  return bytes
}

export function readHeader(bytes: Buffer): Header {
  if (bytes[0] !== VERSION) throw new Error('a header of a version that is not known')
  let end = 2 + TIME_SIZE
  const text = (): string => {
    const from = end + 2
    end = from + bytes.readUInt16BE(end)
    return bytes.toString('utf8', from, end)
  }
  const peer = text()
  const resource = text()
  const id = text()
  return {
    at: bytes.readUIntBE(2, TIME_SIZE),
    isOutgoing: (bytes[1]! & OUTGOING) !== 0,
    isPrivateInRoom: (bytes[1]! & PRIVATE_IN_ROOM) !== 0,
    peer,
    resource,
    id: id === '' ? undefined : id,
    corrects: (bytes[1]! & CORRECTION) === 0 ? undefined : bytes.subarray(end, end + TAG_SIZE),
  }
}

/** Short ones are filled up with zeros, which are no part of XML, to that size: then those of two archives cannot be paired by it. */
export function writeBody(message: Element, at: number, smallest: number): Buffer {
  const xml = String(message)
  const length = Buffer.byteLength(xml)
  const bytes = Buffer.alloc(Math.max(TIME_SIZE + length, smallest - LENGTH_SIZE))
  bytes.writeUIntBE(at, 0, TIME_SIZE)
  bytes.write(xml, TIME_SIZE)
  return bytes
}

/** The time is here again, so that a page needs no headers. */
export function readBody({ body }: Entry): { readonly at: number; readonly xml: string } {
  const end = body.indexOf(0, TIME_SIZE)
  return { at: body.readUIntBE(0, TIME_SIZE), xml: body.toString('utf8', TIME_SIZE, end < 0 ? body.length : end) }
}

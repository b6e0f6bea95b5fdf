import { AFFILIATIONS, type Affiliation, ROLES, type Role } from '../standing.ts'

/** What a room knows of a message in its archive, beside the message. */
export interface Header {
  /** When it was said, in ms. */
  readonly at: number
  /** '' for what the room itself has said. */
  readonly nick: string
  /** The full address of who has said it; '' for the room. */
  readonly jid: string
  /** What he was then. */
  readonly affiliation: Affiliation
  readonly role: Role | 'none'
  /** That its sender gave it. */
  readonly id: string
  /** The tag of the id of the message that it corrects (XEP-0308). */
  readonly corrects: Buffer | undefined
}

const VERSION = 1
const TIME_SIZE = 6
const FIXED = 3 + TIME_SIZE
const TAG_SIZE = 8
const NO_ROLE = ROLES.length
/** Whatever is longer nobody corrects, or takes back. */
const LONGEST_ID = 200

/** `u8 version ‖ u8 affiliation ‖ u8 role ‖ u48 time ‖ nick ‖ jid ‖ id`, each text with its length in 16 bits before it; then that tag. */
export function writeHeader({ at, nick, jid, affiliation, role, id, corrects }: Header): Buffer {
  const texts = [nick, jid, id.length > LONGEST_ID ? '' : id]
  let size = FIXED + (corrects?.length ?? 0)
  for (const text of texts) size += 2 + Buffer.byteLength(text)
  const bytes = Buffer.alloc(size)
  bytes[0] = VERSION
  bytes[1] = AFFILIATIONS.indexOf(affiliation)
  bytes[2] = role === 'none' ? NO_ROLE : ROLES.indexOf(role)
  bytes.writeUIntBE(at, 3, TIME_SIZE)
  let end = FIXED
  for (const text of texts) {
    const length = bytes.write(text, end + 2)
    end = bytes.writeUInt16BE(length, end) + length
  }
  corrects?.copy(bytes, end)
  return bytes
}

export const timeOf = (header: Buffer): number => header.readUIntBE(3, TIME_SIZE)

export function readHeader(bytes: Buffer): Header {
  if (bytes[0] !== VERSION) throw new Error('a header of a version that is not known')
  let end = FIXED
  const text = (): string => {
    const from = end + 2
    end = from + bytes.readUInt16BE(end)
    return bytes.toString('utf8', from, end)
  }
  const [nick, jid, id] = [text(), text(), text()]
  return {
    at: timeOf(bytes),
    nick,
    jid,
    affiliation: AFFILIATIONS[bytes[1]!] ?? 'none',
    role: ROLES[bytes[2]!] ?? 'none',
    id,
    corrects: bytes.length === end ? undefined : bytes.subarray(end, end + TAG_SIZE),
  }
}

import { AFFILIATIONS, type Affiliation, ROLES, type Role } from '../standing.ts'
import { CLOSURES, type Closure } from './closures.ts'

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
  /** Behind which it was said. */
  readonly closures: readonly Closure[]
  /** It was said where moderators alone could know the address. */
  readonly isVeiled: boolean
  /** That its sender gave it. */
  readonly id: string
  /** The tag of the id of the message that it corrects (XEP-0308). */
  readonly corrects: Buffer | undefined
}

const VERSION = 1
const TIME_SIZE = 6
const FIXED = 4 + TIME_SIZE
const TIME = 4
const TAG_SIZE = 8
const NO_ROLE = ROLES.length
const VEILED = 2
const CLOSED: Readonly<Record<Closure, number>> = { members: 1, password: 4 }
/** Whatever is longer nobody corrects, or takes back. */
const LONGEST_ID = 200

/** `u8 version ‖ u8 flags ‖ u8 affiliation ‖ u8 role ‖ u48 time ‖ nick ‖ jid ‖ id`, each text with its length in 16 bits before it; then that tag. */
export function writeHeader({ at, nick, jid, affiliation, role, closures, isVeiled, id, corrects }: Header): Buffer {
  const texts = [nick, jid, id.length > LONGEST_ID ? '' : id]
  let size = FIXED + (corrects?.length ?? 0)
  for (const text of texts) size += 2 + Buffer.byteLength(text)
  const bytes = Buffer.alloc(size)
  bytes[0] = VERSION
  bytes[1] = closures.reduce((flags, closure) => flags | CLOSED[closure], isVeiled ? VEILED : 0)
  bytes[2] = AFFILIATIONS.indexOf(affiliation)
  bytes[3] = role === 'none' ? NO_ROLE : ROLES.indexOf(role)
  bytes.writeUIntBE(at, TIME, TIME_SIZE)
  let end = FIXED
  for (const text of texts) {
    const length = bytes.write(text, end + 2)
    end = bytes.writeUInt16BE(length, end) + length
  }
  corrects?.copy(bytes, end)
  return bytes
}

export const timeOf = (header: Buffer): number => header.readUIntBE(TIME, TIME_SIZE)

export const isClosedBy = (closure: Closure, header: Buffer): boolean => (header[1]! & CLOSED[closure]) !== 0

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
    affiliation: AFFILIATIONS[bytes[2]!] ?? 'none',
    role: ROLES[bytes[3]!] ?? 'none',
    closures: CLOSURES.filter(closure => isClosedBy(closure, bytes)),
    isVeiled: (bytes[1]! & VEILED) !== 0,
    id,
    corrects: bytes.length === end ? undefined : bytes.subarray(end, end + TAG_SIZE),
  }
}

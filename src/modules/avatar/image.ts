import { hash } from 'node:crypto'

/** An avatar (XEP-0084 §4.2.1): its bytes, and what is to be said of them. */
export interface Image {
  /** The SHA-1 hash of the bytes, in lower-case hexadecimal digits: its id in both ways to publish it. */
  readonly id: string
  readonly bytes: Buffer
  readonly type: string
  readonly width: number | undefined
  readonly height: number | undefined
}

type Kind = Pick<Image, 'type' | 'width' | 'height'>

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const IMAGE_TYPE = /^image\/[\w.+-]{1,60}$/i
const PNG = Buffer.from('89504e470d0a1a0a', 'hex')

/**
 * Reads an image from base64, whose white space does not count (XEP-0153 §4.5). What the bytes are goes before what they are said to
 * be (XEP-0153 §5); undefined for what is neither.
 */
export function readImage(base64: string, said: string | undefined): Image | undefined {
  const text = base64.replace(/\s+/g, '')
  if (text === '' || text.length % 4 !== 0 || !BASE64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  const kind = kindOf(bytes) ?? saidKind(said)
  return kind && { id: hash('sha1', bytes), bytes, ...kind }
}

function saidKind(said = ''): Kind | undefined {
  const type = said.trim().toLowerCase()
  return IMAGE_TYPE.test(type) ? { type, width: undefined, height: undefined } : undefined
}

function kindOf(bytes: Buffer): Kind | undefined {
  if (bytes.subarray(0, 8).equals(PNG)) {
    if (bytes.length < 24) return undefined
    return { type: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
  }
  if (bytes.length >= 10 && /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))) {
    return { type: 'image/gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
  }
  if (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') {
    return { type: 'image/webp', width: undefined, height: undefined }
  }
  if (bytes.length >= 4 && bytes.readUIntBE(0, 3) === 0xffd8ff) return { type: 'image/jpeg', ...sizeOfJpeg(bytes) }
  return undefined
}

/** From the frame header, which stands behind other segments (ITU T.81 §B.2.2). */
function sizeOfJpeg(bytes: Buffer): { width: number | undefined; height: number | undefined } {
  let at = 2
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    // C4, C8 and CC are tables and the like.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    }
    at += 2 + bytes.readUInt16BE(at + 2)
  }
  return { width: undefined, height: undefined }
}

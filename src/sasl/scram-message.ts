import { isUtf8 } from 'node:buffer'
import { readBase64 } from './base64.ts'
import { SaslError } from './sasl-error.ts'

/** RFC 5802 §7, `client-first-message`. */
export interface ClientFirst {
  /** As it was written; it comes back inside `c=`. */
  readonly gs2Header: string
  readonly flag: 'n' | 'y' | 'p'
  /** The channel binding type, with flag `p` only. */
  readonly bindingType: string | undefined
  readonly authzid: string | undefined
  readonly username: string
  readonly nonce: string
  /** `client-first-message-bare`, the first part of the AuthMessage. */
  readonly bare: string
}

/** RFC 5802 §7, `client-final-message`. */
export interface ClientFinal {
  /** GS2 header and channel binding data. */
  readonly binding: Buffer
  readonly nonce: string
  /** Whoever has it and the StoredKey has the ClientKey: to be wiped. */
  readonly proof: Buffer
  readonly withoutProof: string
}

const GS2_HEADER = /^(?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,\0]+))?,/
const ATTRIBUTE = /^[A-Za-z]=[^\0]+$/
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/

/** Reads what a client says first; throws `malformed-request`. */
export function readClientFirst(input: Buffer): ClientFirst {
  const text = readText(input)
  const header = GS2_HEADER.exec(text)
  if (header === null) throw new SaslError('malformed-request')
  const [gs2Header, withoutBinding, bindingType, authzid] = header
  const bare = text.slice(gs2Header.length)
  const [username, nonce] = readAttributes(bare, 'n', 'r')
  if (!NONCE.test(nonce)) throw new SaslError('malformed-request')
  return {
    gs2Header,
    flag: (withoutBinding as 'n' | 'y' | undefined) ?? 'p',
    bindingType,
    authzid: authzid === undefined ? undefined : readSaslname(authzid),
    username: readSaslname(username),
    nonce,
    bare,
  }
}

/** Reads what a client says last; throws `malformed-request`. */
export function readClientFinal(input: Buffer): ClientFinal {
  const proofAt = input.lastIndexOf(',p=')
  if (proofAt < 0) throw new SaslError('malformed-request')
  const withoutProof = readText(input.subarray(0, proofAt))
  const [encodedBinding, nonce] = readAttributes(withoutProof, 'c', 'r')
  const binding = readBase64(Buffer.from(encodedBinding))
  if (binding === undefined) throw new SaslError('malformed-request')
  const proof = readBase64(input.subarray(proofAt + 3))
  if (proof === undefined) throw new SaslError('malformed-request')
  return { binding, nonce, proof, withoutProof }
}

function readText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new SaslError('malformed-request')
  return bytes.toString()
}

/**
 * The values of the two attributes that must come first. Extensions may follow and are ignored, but `m`, wherever it is:
 * it asks to be understood or refused.
 */
function readAttributes(text: string, first: string, second: string): [string, string] {
  const attributes = text.split(',')
  let names = ''
  for (const attribute of attributes) {
    const name = attribute.charAt(0)
    if (!ATTRIBUTE.test(attribute) || name === 'm' || names.includes(name)) throw new SaslError('malformed-request')
    names += name
  }
  if (!names.startsWith(first + second)) throw new SaslError('malformed-request')
  return [attributes[0]!.slice(2), attributes[1]!.slice(2)]
}

/** RFC 5802 §5.1: `=2C` and `=3D` stand for comma and equals sign, and no other `=` may appear. */
function readSaslname(escaped: string): string {
  if (/=(?!2C|3D)/.test(escaped)) throw new SaslError('malformed-request')
  return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

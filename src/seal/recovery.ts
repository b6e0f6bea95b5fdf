import { randomFillSync } from 'node:crypto'
import { Secret } from '../lib/secret.ts'
import { hkdf } from './hkdf.ts'
import { sha256 } from './sha256.ts'

/** RFC 4648 §6. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const SIZE = 16
const LENGTH = 26

/** A code of 128 bits: `text` is shown once, to be written down; `secret` wraps the key. */
export function newRecoveryCode(): { text: string; secret: Secret } {
  const secret = new Secret(randomFillSync(Buffer.alloc(SIZE)))
  return { text: writeRecoveryCode(secret.bytes), secret }
}

/** Groups of five letters, the last of six. */
export function writeRecoveryCode(code: Buffer): string {
  let text = ''
  for (let i = 0; i < LENGTH; i++) {
    if (i > 0 && i < LENGTH - 1 && i % 5 === 0) text += '-'
    text += ALPHABET[(((code[(i * 5) >> 3]! << 8) | (code[((i * 5) >> 3) + 1] ?? 0)) >> (11 - ((i * 5) & 7))) & 31]
  }
  return text
}

/** Reads a code as people type it: in any case, grouped anyhow, with 0, 1 and 8 for O, I and B. Undefined if it is none. */
export function readRecoveryCode(text: string): Secret | undefined {
  const letters = text.replace(/[\s-]/g, '').toUpperCase().replaceAll('0', 'O').replaceAll('1', 'I').replaceAll('8', 'B')
  if (!/^[A-Z2-7]{25}[AEIMQUY4]$/.test(letters)) return undefined
  const code = Buffer.alloc(SIZE)
  for (const [i, letter] of [...letters].entries()) {
    const bits = ALPHABET.indexOf(letter) << (11 - ((i * 5) & 7))
    const at = (i * 5) >> 3
    code[at]! |= bits >> 8
    // Beyond the end for the last letter, which has none there.
    code[at + 1]! |= bits
  }
  return new Secret(code)
}

/** What the server keeps to know the code again. */
export function recoveryVerifier(secret: Buffer): Buffer {
  const key = hkdf('sha256', secret, Buffer.alloc(0), 'auth', 32)
  const verifier = sha256(key)
  key.fill(0)
  return verifier
}

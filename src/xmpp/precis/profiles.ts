import { hasRightToLeft, keepsBidiRule } from './bidi.ts'
import { hasOnly, isOf } from './string-classes.ts'

/**
 * Bytes of UTF-8. No mapping makes a text shorter than a quarter, and no part of an address may exceed 1023 bytes:
 * longer texts are refused before any work is done on them, since ordering many combining marks takes quadratic time.
 */
export const LONGEST_UNPREPARED = 4 * 1023

/** UsernameCaseMapped (RFC 8265 §3.3) of a text, or undefined if it is no such username. */
export function usernameCaseMapped(text: string): string | undefined {
  if (text.length > LONGEST_UNPREPARED) return undefined
  if (LOWER_ASCII_IDENTIFIER.test(text)) return text
  return stable(text, name => {
    const wide = mapWidth(name)
    if (!hasOnly(wide, 'IdentifierClass')) return undefined
    const mapped = wide.toLowerCase().normalize('NFC')
    return isOf(mapped, 'IdentifierClass') && (!hasRightToLeft(mapped) || keepsBidiRule(mapped)) ? mapped : undefined
  })
}

/** OpaqueString (RFC 8265 §4.2) of a text, as for passwords and resources, or undefined if it is none. */
export function opaqueString(text: string): string | undefined {
  if (text.length > LONGEST_UNPREPARED) return undefined
  if (PRINTABLE_ASCII.test(text)) return text
  return stable(text, string => {
    if (!hasOnly(string, 'FreeformClass')) return undefined
    const mapped = string.replace(OTHER_SPACES, ' ').normalize('NFC')
    return isOf(mapped, 'FreeformClass') ? mapped : undefined
  })
}

/** Nickname (RFC 8266 §2.3) of a text, to be shown, or undefined if it is none. */
export function nickname(text: string): string | undefined {
  return prepareNickname(text, spaced => spaced.normalize('NFKC'))
}

/** What two nicknames that count as the same have in common (RFC 8266 §2.4), or undefined if the text is none. */
export function nicknameKey(text: string): string | undefined {
  return prepareNickname(text, spaced => spaced.toLowerCase().normalize('NFKC'))
}

const LOWER_ASCII_IDENTIFIER = /^[!-@[-~]+$/
const PRINTABLE_ASCII = /^[ -~]+$/
const OTHER_SPACES = /\p{Zs}/gu

function prepareNickname(text: string, map: (text: string) => string): string | undefined {
  if (text.length > LONGEST_UNPREPARED) return undefined
  return stable(text, name => {
    if (!hasOnly(name, 'FreeformClass')) return undefined
    const mapped = map(name.replace(OTHER_SPACES, ' ').replace(/^ +/, '').replace(/ {2,}/g, ' ').replace(/ $/, ''))
    return isOf(mapped, 'FreeformClass') ? mapped : undefined
  })
}

/** Fullwidth and halfwidth forms to their usual ones (RFC 8264 §5.2.1); those of Hangul jamo stay, since no class has them either way. */
export function mapWidth(text: string): string {
  return text.replace(/[\uff01-\uff9f]/g, form => form.normalize('NFKC'))
}

/** Applies the rules until they change nothing, up to three times more; a text that still changes is refused (RFC 8264 §7). */
function stable(text: string, apply: (text: string) => string | undefined): string | undefined {
  if (Buffer.byteLength(text) > LONGEST_UNPREPARED) return undefined
  let before = text
  for (let round = 0; round < 4; round++) {
    const after = apply(before)
    if (after === undefined || after === '') return undefined
    if (after === before) return after
    before = after
  }
  return undefined
}

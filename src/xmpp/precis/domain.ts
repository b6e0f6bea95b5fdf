import { isIPv6 } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'
import { hasRightToLeft, keepsBidiRule } from './bidi.ts'
import { keepsContextRules } from './context-rules.ts'
import { LONGEST_UNPREPARED, mapWidth } from './profiles.ts'
import { CONTEXTUAL, DISALLOWED_EXCEPTIONS, LETTER_DIGITS, NEVER, OLD_HANGUL_JAMO, VALID_EXCEPTIONS } from './string-classes.ts'

/** A domainpart as addresses carry it (RFC 7622 §3.2): U-labels in lower case without a final dot, or an IP literal; undefined if it is none. */
export function prepareDomain(text: string): string | undefined {
  if (text.length > LONGEST_UNPREPARED) return undefined
  if (PLAIN.test(text) && !text.includes('--')) return text
  if (text.startsWith('[')) return prepareIPv6(text)
  if (Buffer.byteLength(text) > LONGEST_UNPREPARED) return undefined
  const name = mapWidth(text.endsWith('.') ? text.slice(0, -1) : text)
    .toLowerCase()
    .normalize('NFC')
  const labels: string[] = []
  for (const label of name.split('.')) {
    const prepared = toULabel(label)
    if (prepared === undefined) return undefined
    labels.push(prepared)
  }
  const domain = labels.join('.')
  // One right-to-left label subjects all labels of a name to the rule (RFC 5893 §1.4).
  return !hasRightToLeft(domain) || labels.every(keepsBidiRule) ? domain : undefined
}

/** Labels of lower-case letters, digits and hyphens, as nearly every domain is. */
const PLAIN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const ASCII = /^[ -~]*$/
const LONGEST_LABEL = 63

/** An address in brackets, written as RFC 5952 wants it, so that one address has one text. Zones and future versions are refused. */
function prepareIPv6(text: string): string | undefined {
  const address = text.slice(1, -1)
  if (!text.endsWith(']') || address.includes('%') || !isIPv6(address)) return undefined
  return new URL(`http://[${address}]`).hostname
}

/** The label as a U-label or NR-LDH label (RFC 5890 §2.3); undefined where it is neither, nor an A-label of one. */
function toULabel(label: string): string | undefined {
  if (!ASCII.test(label)) return toALabel(label) === undefined ? undefined : label
  if (!LDH_LABEL.test(label)) return undefined
  if (label.slice(2, 4) !== '--') return label
  const decoded = domainToUnicode(label)
  return !ASCII.test(decoded) && toALabel(decoded) === label ? decoded : undefined
}

/** The A-label of a U-label (RFC 5891 §4.2), or undefined if it is no U-label. */
function toALabel(label: string): string | undefined {
  if (label.startsWith('-') || label.endsWith('-') || /^..--/u.test(label)) return undefined
  if (/^\p{M}/u.test(label) || label.normalize('NFC') !== label) return undefined
  for (const character of label) if (!mayStandInLabel(character)) return undefined
  if (!keepsContextRules(label)) return undefined
  const ascii = domainToASCII(label)
  return ascii.startsWith('xn--') && ascii.length <= LONGEST_LABEL ? ascii : undefined
}

/** Whether IDNA2008 has a code point as PVALID, CONTEXTJ or CONTEXTO (RFC 5892 §3, in its order). */
function mayStandInLabel(character: string): boolean {
  if (VALID_EXCEPTIONS.test(character) || CONTEXTUAL.test(character)) return true
  if (DISALLOWED_EXCEPTIONS.test(character) || NEVER.test(character)) return false
  if (/^[a-z0-9-]$/.test(character)) return true
  return !NEVER_IN_LABELS.test(character) && !OLD_HANGUL_JAMO.test(character) && LETTER_DIGITS.test(character)
}

/** Unstable under case folding and NFKC (RFC 5892 §2.2), or of the ignorable blocks (§2.4): marks for symbols, musical notation. */
const NEVER_IN_LABELS = /^[\u{20d0}-\u{20ff}\p{Changes_When_NFKC_Casefolded}\u{1d100}-\u{1d24f}]$/u

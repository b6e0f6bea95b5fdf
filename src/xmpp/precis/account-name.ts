import { usernameCaseMapped } from './profiles.ts'

/** Letters, digits and inner `. _ -`; no other ASCII, so that a name is safe in links, file names and on the command line. */
const ASCII_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/
const UNICODE_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}._-]{0,61}[\p{L}\p{N}\p{M}])?$/u

/** The scripts in wide use (UAX #31 table 5), together where one language writes with several. A name keeps to one of them. */
const ONE_SCRIPT = [
  'Latin',
  'Greek',
  'Cyrillic',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Thaana',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Oriya',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Thai',
  'Lao',
  'Tibetan',
  'Myanmar',
  'Georgian',
  'Ethiopic',
  'Khmer',
  'Han Hiragana Katakana',
  'Han Hangul',
  'Han Bopomofo',
].map(scripts => new RegExp(`^[\\p{Nd}._\\-${scripts.replace(/\w+/g, '\\p{Script_Extensions=$&}').replaceAll(' ', '')}]+$`, 'u'))

/**
 * Whether a new account may have this localpart: one that every server prepares to itself, by PRECIS (RFC 7622) or by
 * nodeprep (RFC 6122 appendix A), so that nobody answers to two names. ASCII unless `unicode` is set; then any one
 * script, up to 63 characters.
 */
export function isAccountName(local: string, options: { unicode?: boolean } = {}): boolean {
  if (ASCII_NAME.test(local)) return true
  if (options.unicode !== true || !UNICODE_NAME.test(local)) return false
  return ONE_SCRIPT.some(script => script.test(local)) && usernameCaseMapped(local) === local && isKeptByNodeprep(local)
}

/** Whether NFKC and case folding leave the text alone (RFC 3491 in nodeprep's use: tables B.1, B.2, NFKC). */
function isKeptByNodeprep(text: string): boolean {
  return text.normalize('NFKC') === text && !/\p{Changes_When_NFKC_Casefolded}/u.test(text)
}

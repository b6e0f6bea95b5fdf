import { LEFT_OR_DUAL_JOINING, RIGHT_OR_DUAL_JOINING } from './unicode-tables.ts'

/** Whether each code point that is valid only in some contexts stands in one (RFC 5892 appendix A). Takes time linear in the text. */
export function keepsContextRules(text: string): boolean {
  if (!CONTEXTUAL.test(text)) return true
  return (
    !MISPLACED.test(text) && keepsMiddleDotRule(text) && !(ARABIC_INDIC.test(text) && EXTENDED_ARABIC_INDIC.test(text)) && joinsWell(text)
  )
}

const CONTEXTUAL = /[\u200d\u200c\u00b7\u0375\u05f3\u05f4\u0660-\u0669\u06f0-\u06f9\u30fb]/
const ARABIC_INDIC = /[\u0660-\u0669]/
const EXTENDED_ARABIC_INDIC = /[\u06f0-\u06f9]/

/** A.3 middle dot outside l·l, A.4 keraia before something not Greek, A.5 and A.6 geresh and gershayim after something not Hebrew. */
const MISPLACED = /(?<!l)\u00b7|\u00b7(?!l)|\u0375(?!\p{Script=Greek})|(?<!\p{Script=Hebrew})[\u05f3\u05f4]/u

/** A.7: a katakana middle dot needs Japanese text around it. */
function keepsMiddleDotRule(text: string): boolean {
  return !text.includes('\u30fb') || /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(text)
}

/** Joining_Type T among the code points that a string class has. */
const TRANSPARENT = String.raw`[\p{Mn}\p{Me}\u{1e94b}]`
const BETWEEN_JOINING_LETTERS = new RegExp(
  `(?<=[${LEFT_OR_DUAL_JOINING}]${TRANSPARENT}*)\\u200c(?=${TRANSPARENT}*[${RIGHT_OR_DUAL_JOINING}])`,
  'uy',
)

/** A.1 and A.2: a joiner follows a virama; a non-joiner may also part two letters that would join. */
function joinsWell(text: string): boolean {
  for (const { index } of text.matchAll(/[\u200c\u200d]/g)) {
    const before = [...text.slice(Math.max(0, index - 2), index)].at(-1)
    if (before !== undefined && isVirama(before)) continue
    BETWEEN_JOINING_LETTERS.lastIndex = index
    if (!BETWEEN_JOINING_LETTERS.test(text)) return false
  }
  return true
}

const CLASS_8 = '\u3099'
const CLASS_10 = '\u05b0'

/** Canonical_Combining_Class 9, found by how normalisation orders the mark beside marks of the neighbouring classes. */
function isVirama(mark: string): boolean {
  if (mark === CLASS_8 || mark === CLASS_10) return false
  return (mark + CLASS_8).normalize('NFD') === CLASS_8 + mark && (CLASS_10 + mark).normalize('NFD') === mark + CLASS_10
}

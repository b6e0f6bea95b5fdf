import { keepsContextRules } from './context-rules.ts'

export type StringClass = 'IdentifierClass' | 'FreeformClass'

/** Whether a text is of a string class (RFC 8264 §4.2, §4.3), contextual rules included. */
export function isOf(text: string, stringClass: StringClass): boolean {
  return hasOnly(text, stringClass) && keepsContextRules(text)
}

/** Whether the class has every code point of a text; what a contextual rule may allow counts as allowed. */
export function hasOnly(text: string, stringClass: StringClass): boolean {
  for (const character of text) {
    const property = propertyOf(character)
    if (property === 'DISALLOWED' || (property === 'FREE_PVAL' && stringClass === 'IdentifierClass')) return false
  }
  return true
}

/** CONTEXTJ and CONTEXTO are one here; UNASSIGNED is DISALLOWED, and FREE_PVAL the RFC's "ID_DIS or FREE_PVAL". */
type Property = 'PVALID' | 'FREE_PVAL' | 'CONTEXT' | 'DISALLOWED'

/** The derived property of one code point; the order of the questions is the algorithm's (RFC 8264 §8). */
function propertyOf(character: string): Property {
  if (ASCII7.test(character)) return 'PVALID'
  if (VALID_EXCEPTIONS.test(character)) return 'PVALID'
  if (CONTEXTUAL.test(character)) return 'CONTEXT'
  if (DISALLOWED_EXCEPTIONS.test(character) || NEVER.test(character) || OLD_HANGUL_JAMO.test(character)) return 'DISALLOWED'
  if (character.normalize('NFKC') !== character) return 'FREE_PVAL'
  if (LETTER_DIGITS.test(character)) return 'PVALID'
  return FREEFORM.test(character) ? 'FREE_PVAL' : 'DISALLOWED'
}

const ASCII7 = /^[!-~]$/
/** The exceptions and contextual code points of RFC 5892 §2.6, which RFC 8264 §9.6 takes over, and the join controls. */
export const VALID_EXCEPTIONS = /^[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007]$/
export const CONTEXTUAL = /^[\u200d\u200c\u00b7\u0375\u05f3\u05f4\u0660-\u0669\u06f0-\u06f9\u30fb]$/
export const DISALLOWED_EXCEPTIONS = /^[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]$/
export const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/
/** Unassigned, private, surrogate, control, ignorable, not a character: RFC 8264 §9.10 to §9.12. */
export const NEVER = /^[\p{Cn}\p{Co}\p{Cs}\p{Cc}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$/u
export const LETTER_DIGITS = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u
const FREEFORM = /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]$/u

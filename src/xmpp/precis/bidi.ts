import { ARABIC_NUMBER as AN, EUROPEAN_NUMBER as EN, LEFT_TO_RIGHT_MARK, NEUTRAL, RIGHT_TO_LEFT as R } from './unicode-tables.ts'

const NSM = String.raw`[\p{Mn}--[${LEFT_TO_RIGHT_MARK}]]`
const L = `[^${R}${AN}${EN}${NEUTRAL}${NSM}]`

const HAS_RIGHT_TO_LEFT = new RegExp(`[${R}${AN}]`, 'v')
const RIGHT_TO_LEFT = new RegExp(`^[${R}](?:[${R}${AN}${EN}${NEUTRAL}${NSM}]*[${R}${EN}${AN}])?${NSM}*$`, 'v')
const LEFT_TO_RIGHT = new RegExp(`^${L}(?:[${L}${EN}${NEUTRAL}${NSM}]*[${L}${EN}])?${NSM}*$`, 'v')
const ARABIC_NUMBER = new RegExp(`[${AN}]`, 'v')
const EUROPEAN_NUMBER = new RegExp(`[${EN}]`, 'v')

/** Whether a text of the IdentifierClass has anything written from right to left, Arabic numbers included. */
export function hasRightToLeft(text: string): boolean {
  return HAS_RIGHT_TO_LEFT.test(text)
}

/** Whether a label or localpart of the IdentifierClass satisfies the Bidi Rule (RFC 5893 §2). */
export function keepsBidiRule(label: string): boolean {
  if (!RIGHT_TO_LEFT.test(label)) return LEFT_TO_RIGHT.test(label)
  return !(ARABIC_NUMBER.test(label) && EUROPEAN_NUMBER.test(label))
}

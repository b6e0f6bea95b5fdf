import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nickname, nicknameKey, opaqueString, usernameCaseMapped } from './profiles.ts'

type Row = readonly [text: string, prepared: string | undefined]

function check(profile: (text: string) => string | undefined, rows: readonly Row[]): void {
  for (const [text, prepared] of rows) assert.equal(profile(text), prepared, JSON.stringify(text))
}

test('UsernameCaseMapped has the examples of RFC 8265 §3.5', () => {
  check(usernameCaseMapped, [
    ['juliet@example.com', 'juliet@example.com'],
    ['fussball', 'fussball'],
    ['fu\u00dfball', 'fu\u00dfball'],
    ['\u03c0', '\u03c0'],
    ['\u03a3', '\u03c3'],
    ['\u03c3', '\u03c3'],
    ['\u03c2', '\u03c2'],
    ['foo bar', undefined],
    ['', undefined],
    ['henry\u2163', undefined],
    ['\u221e', undefined],
    ['\u265a', undefined],
  ])
})

test('OpaqueString has the examples of RFC 8265 §4.3', () => {
  check(opaqueString, [
    ['correct horse battery staple', 'correct horse battery staple'],
    ['Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
    ['\u03c0\u00df\u00e5', '\u03c0\u00df\u00e5'],
    ['Jack of \u2666s', 'Jack of \u2666s'],
    ['foo\u1680bar', 'foo bar'],
    ['', undefined],
    ['my cat is a \u0009by', undefined],
  ])
})

test('Nickname has the examples of RFC 8266 §3, to be shown and to be compared', () => {
  for (const [text, shown, key] of [
    ['Foo', 'Foo', 'foo'],
    ['foo', 'foo', 'foo'],
    ['Foo Bar', 'Foo Bar', 'foo bar'],
    ['foo bar', 'foo bar', 'foo bar'],
    ['\u03a3', '\u03a3', '\u03c3'],
    ['\u03c3', '\u03c3', '\u03c3'],
    ['\u03c2', '\u03c2', '\u03c2'],
    ['\u03d4', '\u03ab', '\u03cb'],
    ['\u221e', '\u221e', '\u221e'],
    ['Richard \u2163', 'Richard IV', 'richard iv'],
  ] as const) {
    assert.equal(nickname(text), shown)
    assert.equal(nicknameKey(text), key)
  }
})

test('a username is mapped in width and case, and composed', () => {
  check(usernameCaseMapped, [
    ['\uff2a\uff55\uff4c\uff49\uff45\uff54', 'juliet'],
    ['\uff76\uff9e', '\u30ac'],
    ['E\u0301', '\u00e9'],
    ['\u0130', 'i\u0307'],
    ['\u03a3\u0391\u03a3', '\u03c3\u03b1\u03c2'],
    // Halfwidth jamo must not turn into a syllable.
    ['\uffa1\uffc2', undefined],
    // A compatibility form stays refused even where lower case would be plain: KELVIN SIGN.
    ['\u212a', undefined],
  ])
})

test('the exceptions of RFC 8264 §9.6 overrule the categories', () => {
  for (const valid of ['\u00df', '\u03c2', '\u06fd', '\u06fe', '\u0f0b', '\u3007']) assert.ok(opaqueString(valid), valid)
  for (const invalid of ['\u0640', '\u07fa', '\u302e', '\u302f', '\u3031', '\u3035', '\u303b']) {
    assert.equal(usernameCaseMapped(`a${invalid}`), undefined)
    assert.equal(opaqueString(`a${invalid}`), undefined)
  }
  for (const jamo of ['\u1100', '\ua960', '\ud7b0', '\ud7fb']) assert.equal(opaqueString(jamo), undefined)
})

test('code points in context stand where RFC 5892 appendix A lets them', () => {
  check(opaqueString, [
    ['l\u00b7l', 'l\u00b7l'],
    ['L\u00b7L', undefined],
    ['l\u00b7', undefined],
    ['\u00b7l', undefined],
    ['l\u00b7l\u00b7l', 'l\u00b7l\u00b7l'],
    ['\u0375\u03b1', '\u0375\u03b1'],
    ['\u0375a', undefined],
    ['\u0375', undefined],
    ['\u05d0\u05f3', '\u05d0\u05f3'],
    ['\u05d0\u05f4', '\u05d0\u05f4'],
    ['a\u05f3', undefined],
    ['\u05f4', undefined],
    ['\u30fb\u30a2', '\u30fb\u30a2'],
    ['a\u30fb\u3042', 'a\u30fb\u3042'],
    ['\u4e00\u30fb', '\u4e00\u30fb'],
    ['a\u30fbb', undefined],
    ['\u0660\u0661', '\u0660\u0661'],
    ['\u06f0\u06f1', '\u06f0\u06f1'],
    ['\u0660\u06f0', undefined],
    // Joiners after a virama, and a non-joiner between letters that would join.
    ['\u0915\u094d\u200d\u0937', '\u0915\u094d\u200d\u0937'],
    ['\u0915\u094d\u200c\u0937', '\u0915\u094d\u200c\u0937'],
    ['\u{11013}\u{11046}\u200d', '\u{11013}\u{11046}\u200d'],
    ['\u0628\u06cc\u200c\u0628', '\u0628\u06cc\u200c\u0628'],
    ['\u0628\u064e\u200c\u064e\u0628', '\u0628\u064e\u200c\u064e\u0628'],
    ['\u0628\u200d\u0628', undefined],
    ['\u0627\u200c\u0628', undefined],
    ['\u0628\u200c', undefined],
    ['\u0628\u200c\u200c\u0628', undefined],
    ['a\u200cb', undefined],
    ['\u200d', undefined],
    ['\u0915\u3099\u200d', undefined],
    ['\u05d0\u05b0\u200d', undefined],
  ])
})

test('a username with anything from right to left satisfies the Bidi Rule', () => {
  check(usernameCaseMapped, [
    ['\u05d0\u05d1', '\u05d0\u05d1'],
    ['\u05d0\u05b0', '\u05d0\u05b0'],
    ['\u05d01', '\u05d01'],
    ['\u0627\u0661', '\u0627\u0661'],
    ['\u05d0-\u05d1', '\u05d0-\u05d1'],
    ['1\u05d0', undefined],
    ['\u05d0a', undefined],
    ['a\u05d0', undefined],
    ['\u05d0-', undefined],
    ['\u0661', undefined],
    ['\u06271\u0661', undefined],
    ['\u05b0\u05d0', undefined],
    // Where nothing is from right to left the rule is not asked.
    ['1a-', '1a-'],
  ])
})

test('spaces of a nickname become plain, single, and inner', () => {
  check(nickname, [
    ['  Swan  of   Avon   ', 'Swan of Avon'],
    ['a\u00a0a\u1680a\u2000a\u202fa\u205fa\u3000a', 'a a a a a a a'],
    [' ', undefined],
    ['\u3000', undefined],
    ['', undefined],
    ['a\tb', undefined],
    // Its NFKC begins with a space, so it takes a second round.
    ['\u00a8', '\u0308'],
  ])
})

test('every profile leaves alone what it prepared', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
  for (const profile of [usernameCaseMapped, opaqueString, nickname, nicknameKey]) {
    fc.assert(
      fc.property(text, text => {
        const prepared = profile(text)
        if (prepared !== undefined) assert.equal(profile(prepared), prepared)
      }),
      { numRuns: 1000 },
    )
  }
})

test('a text that is far too long is refused before any work', () => {
  for (const profile of [usernameCaseMapped, opaqueString, nickname, nicknameKey]) {
    assert.equal(profile('a'.repeat(4093)), undefined)
    assert.equal(profile('\u0301\u0316'.repeat(1100)), undefined)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAccountName } from './account-name.ts'

test('an account name is of small ASCII letters and digits, with dot, hyphen and underscore inside', () => {
  for (const name of ['a', '7', 'anna', 'anna.b', 'anna_b-2', 'a'.repeat(63)]) assert.ok(isAccountName(name), name)
  for (const name of [
    '',
    'Anna',
    '.a',
    'a.',
    '_a',
    'a-',
    'a b',
    'a@b',
    'a/b',
    "a'b",
    'a\\20b',
    'a+b',
    'a\n',
    'a'.repeat(64),
    'm\u00fcller',
  ]) {
    assert.ok(!isAccountName(name), name)
  }
})

test('where other scripts are allowed, a name keeps to one of them', () => {
  for (const name of [
    'm\u00fcller',
    '\u043f\u0451\u0442\u0440',
    '\u65e5\u672c\u3072\u304b',
    '\uae40\ucca0\uc218',
    '\u0641\u0627\u0637\u0645\u0629',
    'anna',
  ]) {
    assert.ok(isAccountName(name, { unicode: true }), name)
  }
  for (const name of ['p\u0435ter', 'a\u0431', '\u0431\u03b1', '\u2665', 'a\u200db'])
    assert.ok(!isAccountName(name, { unicode: true }), name)
})

test('a name that some server prepares to another is refused', () => {
  // Upper case, sharp s and final sigma (folded by nodeprep), a compatibility form, a decomposed letter.
  for (const name of ['M\u00fcller', 'stra\u00dfe', '\u03c3\u03b1\u03c2', '\uff41nna', 'henry\u2163', 'mu\u0308ller']) {
    assert.ok(!isAccountName(name, { unicode: true }), name)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareDomain } from './domain.ts'

function check(rows: Readonly<Record<string, string | undefined>>): void {
  for (const [text, prepared] of Object.entries(rows)) assert.equal(prepareDomain(text), prepared, JSON.stringify(text))
}

test('names are in lower case, composed, of usual width, and without a final dot', () => {
  check({
    'example.com': 'example.com',
    localhost: 'localhost',
    'Example.COM': 'example.com',
    'example.com.': 'example.com',
    'xmpp-1.a--b.example': 'xmpp-1.a--b.example',
    '\uff45\uff58.com': 'ex.com',
    'ex\uff0ecom': 'ex.com',
    'MU\u0308NCHEN.de': 'm\u00fcnchen.de',
    'fa\u00df.de': 'fa\u00df.de',
    // The third and fourth character count, not the third and fourth UTF-16 unit.
    '\u{10ac0}--\u{10ac0}': '\u{10ac0}--\u{10ac0}',
    '\u65e5\u672c.jp': '\u65e5\u672c.jp',
  })
})

test('labels are letters, digits and inner hyphens, 63 characters at most', () => {
  const refused = [
    '',
    '.',
    '.a',
    'a..b',
    'a..',
    '-a',
    'a-',
    'a_b',
    'a b',
    'a/b',
    'a@b',
    'a:1',
    '%41',
    '*',
    'ab--c',
    '\u00fc-',
    '-\u00fc',
    '\u00fcb--c',
  ]
  for (const text of refused) assert.equal(prepareDomain(text), undefined, text)
  check({
    ['a'.repeat(63)]: 'a'.repeat(63),
    ['a'.repeat(64)]: undefined,
    ['\u00fc'.repeat(57)]: '\u00fc'.repeat(57),
    ['\u00fc'.repeat(60)]: undefined,
  })
})

test('A-labels become U-labels, and those that are none are refused', () => {
  check({
    'xn--mnchen-3ya.de': 'm\u00fcnchen.de',
    'XN--MNCHEN-3YA.de': 'm\u00fcnchen.de',
    'xn--strae-oqa': 'stra\u00dfe',
    'xn--ls8h': undefined,
    'xn--a': undefined,
    'xn--': undefined,
    'xn--abc-': undefined,
    'xn--zzzzz99999': undefined,
  })
})

test('only what IDNA2008 has is in a label', () => {
  check({
    '\u2665.example': undefined,
    '\u2163.example': undefined,
    'a\u3002b': undefined,
    '\u0301a': undefined,
    'a\u00adb': undefined,
    'a\u20d0b': undefined,
    '\u1100\u1161': '\uac00',
    '\u1100': undefined,
    'l\u00b7l': 'l\u00b7l',
    'a\u00b7l': undefined,
    '\u30a2\u30fb': '\u30a2\u30fb',
    'a\u30fbb': undefined,
  })
})

test('a right-to-left label subjects the whole name to the Bidi Rule', () => {
  check({
    '\u05d0\u05d1.example': '\u05d0\u05d1.example',
    '\u05d0a.example': undefined,
    '3com.example': '3com.example',
    '3com.\u05d0\u05d1': undefined,
    'com3.\u05d0\u05d1': 'com3.\u05d0\u05d1',
  })
})

test('addresses of machines are kept; one of IPv6 has one text', () => {
  check({
    '192.0.2.1': '192.0.2.1',
    '[2001:db8::1]': '[2001:db8::1]',
    '[2001:DB8:0:0::0001]': '[2001:db8::1]',
    '[::ffff:192.0.2.1]': '[::ffff:c000:201]',
    '[fe80::1%eth0]': undefined,
    '[::1': undefined,
    '::1': undefined,
    '[]': undefined,
    '[192.0.2.1]': undefined,
    '[v1.x]': undefined,
    '[::1].com': undefined,
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StanzaError } from './error.ts'
import { Jid } from './jid.ts'

const refuse = (text: string): void =>
  assert.throws(() => Jid.parse(text), { condition: 'jid-malformed' }, JSON.stringify(text.slice(0, 80)))

test('the addresses of RFC 7622 table 1 are prepared', () => {
  for (const [text, local, domain, resource] of [
    ['juliet@example.com', 'juliet', 'example.com', ''],
    ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', ''],
    ['fussball@example.com', 'fussball', 'example.com', ''],
    ['fu\u00dfball@example.com', 'fu\u00dfball', 'example.com', ''],
    ['\u03c0@example.com', '\u03c0', 'example.com', ''],
    ['\u03a3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c2@example.com/foo', '\u03c2', 'example.com', 'foo'],
    ['king@example.com/\u265a', 'king', 'example.com', '\u265a'],
    ['example.com', '', 'example.com', ''],
    ['example.com/foobar', '', 'example.com', 'foobar'],
    ['a.example.com/b@example.net', '', 'a.example.com', 'b@example.net'],
  ] as const) {
    const jid = Jid.parse(text)
    assert.deepEqual([jid.local, jid.domain, jid.resource], [local, domain, resource], text)
  }
})

test('what RFC 7622 table 2 lists is refused', () => {
  for (const text of [
    '"juliet"@example.com',
    'foo bar@example.com',
    '@example.com/',
    'henry\u2163@example.com',
    '\u265a@example.com',
    'juliet@',
    '/foobar',
  ]) {
    refuse(text)
  }
})

test('a resource may begin with a space: the OpaqueString that §3.4 asks for has it, although table 2 lists it', () => {
  assert.equal(Jid.parse('juliet@example.com/ foo').resource, ' foo')
})

test('no part may be empty or hold an excluded character', () => {
  for (const text of ['', '/', '@', 'a@/', 'a@b/', '@b', '@b/c', 'a@@b', 'a@b@c', 'a@.', 'a@b..']) refuse(text)
  for (const excluded of '"&\':<>') refuse(`a${excluded}b@example.com`)
  refuse('a\uff20b@example.com')
  refuse('a\uff0fb@example.com')
})

test('controls and halves of characters are in no part', () => {
  for (const bad of ['\0', '\t', '\n', '\u007f', '\u0085', '\u200b', '\u202e', '\ufeff', '\ud800', '\ue000', '\ufdd0', '\u{e0041}']) {
    refuse(`a${bad}@example.com`)
    refuse(`a@exam${bad}ple.com`)
    refuse(`a@example.com/b${bad}`)
  }
})

test('a part has 1 to 1023 bytes of UTF-8 once it is prepared', () => {
  const label = 'a'.repeat(63)
  const domain = `${`${label}.`.repeat(15)}${'a'.repeat(63)}`
  assert.equal(domain.length, 1023)
  assert.equal(Jid.parse(domain).domain, domain)
  refuse(`a.${domain}`)
  assert.equal(Jid.parse(`${'a'.repeat(1023)}@b`).local.length, 1023)
  refuse(`${'a'.repeat(1024)}@b`)
  assert.equal(Jid.parse(`b/${'\u00e9'.repeat(511)}`).resource.length, 511)
  refuse(`b/${'\u00e9'.repeat(512)}`)
  assert.equal(Jid.parse(`b/${'e\u0301'.repeat(511)}`).resource, '\u00e9'.repeat(511))
  assert.equal(Jid.parse(`${'\uff41'.repeat(1023)}@b`).local, 'a'.repeat(1023))
})

test('a complaint repeats nothing of the address', () => {
  for (const text of ['secret name@example.com', 'a@secret name', 'a@b/secret\0', '@secret']) {
    assert.throws(
      () => Jid.parse(text),
      (error: unknown) => error instanceof StanzaError && !error.message.includes('secret'),
    )
  }
})

test('parts are prepared as they are in a text, but are not taken apart', () => {
  assert.equal(Jid.of('Anna', 'Example.COM', 'Phone').toString(), 'anna@example.com/Phone')
  assert.equal(Jid.of('', 'example.com').toString(), 'example.com')
  assert.equal(Jid.of('', 'example.com', 'a/b@c').resource, 'a/b@c')
  for (const [local, domain, resource] of [
    ['a@b', 'c'],
    ['a/b', 'c'],
    ['a', ''],
    ['a', 'b/c'],
    ['a', 'b@c'],
    ['a', 'b', 'c\0'],
  ] as const) {
    assert.throws(() => Jid.of(local, domain, resource), { condition: 'jid-malformed' })
  }
})

test('a bare address is its own, and is made once', () => {
  const full = Jid.parse('anna@example.com/phone')
  assert.equal(full.isBare, false)
  assert.equal(full.bare.toString(), 'anna@example.com')
  assert.equal(full.bare, full.bare)
  assert.equal(full.bare.isBare, true)
  assert.equal(full.bare.bare, full.bare)
  assert.equal(full.withResource('laptop').toString(), 'anna@example.com/laptop')
  assert.equal(full.withResource(''), full.bare)
  assert.throws(() => full.withResource('a\0'), { condition: 'jid-malformed' })
})

test('addresses are equal when they are prepared to the same text', () => {
  assert.ok(Jid.parse('Anna@Example.com.').equals(Jid.of('anna', 'example.com')))
  assert.ok(!Jid.parse('anna@example.com/phone').equals(Jid.parse('anna@example.com/Phone')))
})

test('a text is parsed once while it is remembered', () => {
  assert.equal(Jid.parse('again@example.com'), Jid.parse('again@example.com'))
  for (let number = 0; number < 20_000; number++) Jid.parse(`n${number}@example.com`)
  assert.equal(Jid.parse('again@example.com').toString(), 'again@example.com')
})

test('preparing an address again changes nothing', () => {
  const part = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ minLength: 1 }),
  )
  fc.assert(
    fc.property(part, fc.oneof(fc.domain(), part), part, (local, domain, resource) => {
      let jid: Jid
      try {
        jid = Jid.of(local, domain, resource)
      } catch (error) {
        assert.ok(error instanceof StanzaError)
        return
      }
      const again = Jid.parse(jid.toString())
      assert.deepEqual([again.local, again.domain, again.resource], [jid.local, jid.domain, jid.resource])
    }),
    { numRuns: 2000 },
  )
})

test('each letter is prepared to something that preparing leaves alone', () => {
  for (let point = 0; point < 0x20000; point += 7) {
    if (point >= 0xd800 && point < 0xe000) continue
    const letter = String.fromCodePoint(point)
    for (const text of [`${letter}@b`, `b/${letter}`, `a${letter}`]) {
      try {
        const prepared = Jid.parse(text).toString()
        assert.equal(Jid.parse(prepared).toString(), prepared)
      } catch (error) {
        assert.ok(error instanceof StanzaError, text)
      }
    }
  }
})

test('an address of 256 KiB is refused at once, whatever it is made of', () => {
  const size = 256 * 1024
  for (const unit of [
    'a',
    '@',
    '/',
    '.',
    '-',
    'a.',
    '\u00e9',
    '\u0301\u0316',
    '\u30fb',
    '\u200c',
    '\u05d0',
    '\u0660',
    '\ud800',
    '[',
    ' ',
  ]) {
    const text = unit.repeat(size / unit.length)
    const startedAt = performance.now()
    refuse(text)
    assert.ok(performance.now() - startedAt < 50, JSON.stringify(unit))
  }
})

test('an address that is read privately is the same, and is refused for the same', () => {
  assert.ok(Jid.parsePrivately('Romeo@Montague.example/Orchard').equals(Jid.parse('romeo@montague.example/Orchard')))
  assert.throws(() => Jid.parsePrivately('@montague.example'), { name: 'StanzaError', condition: 'jid-malformed' })
})

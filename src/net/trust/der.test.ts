import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { der, oid, sequence } from '../../../test/net/certificates.ts'
import { type Der, DerError, DerReader, readBoolean, readFlags, readOid, readSmallInteger, readTime, readUtf8 } from './der.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const element = (text: string): Der => new DerReader(hex(text)).next()

test('what was written is read, whatever its length', () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 127, 128, 255, 256, 65_535, 65_536), fc.uint8Array({ maxLength: 3 }), (length, more) => {
      const body = Buffer.concat([Buffer.alloc(length), more])
      const reader = new DerReader(Buffer.concat([der(0x04, body), der(0x02, Buffer.of(1))]))
      assert.deepEqual(reader.next(0x04).body, body)
      assert.equal(readSmallInteger(reader.next(0x02)), 1)
      reader.end()
    }),
  )
})

test('X.690 §10.1: lengths are definite, in their shortest form, and within what holds them', () => {
  for (const text of ['', '30', '3080', '308000000000', '04810100', '0482000100', '0485000000000100', '0402', '040201', '04ff', '048400'])
    assert.throws(() => element(text), DerError, text)
  assert.throws(() => element('1f0100'), DerError)
})

test('nothing is nested deeper than a certificate may be', () => {
  let nest = sequence()
  for (let i = 0; i < 20; i++) nest = sequence(nest)
  let reader = new DerReader(nest)
  assert.throws(() => {
    for (;;) reader = reader.enter(0x30)
  }, /too deep/)
})

test('an object identifier is read as it is written with dots', () => {
  for (const id of ['2.5.29.17', '1.3.6.1.5.5.7.8.5', '1.2.840.113549.1.1.11', '0.9.2342', '2.39.1'])
    assert.equal(readOid(new DerReader(oid(id)).next()), id)
  assert.equal(readOid(element('0603883703')), '2.999.3')
  for (const text of ['0600', '060155'.replace('55', '80'), '06028001', '060381ff80', `0609${'ff'.repeat(8)}7f`])
    assert.throws(() => readOid(element(text)), DerError, text)
})

test('values have one form', () => {
  assert.equal(readBoolean(element('0101ff')), true)
  assert.equal(readBoolean(element('010100')), false)
  for (const text of ['010101', '0100', '0102ffff']) assert.throws(() => readBoolean(element(text)), DerError)
  assert.equal(readSmallInteger(element('02020080')), 128)
  for (const text of ['0200', '0201ff', '02020001', '02050100000000']) assert.throws(() => readSmallInteger(element(text)), DerError)
  assert.equal(readFlags(element('03020780')), 0x8000)
  assert.equal(readFlags(element('0303070180')), 0x0180)
  assert.equal(readFlags(element('030100')), 0)
  for (const text of ['0300', '030108', '030101', '03020781', '030400000000']) assert.throws(() => readFlags(element(text)), DerError)
  assert.throws(() => readUtf8(hex('c328')), DerError)
})

test('RFC 5280 §4.1.2.5: times are exact to the second, in Zulu time', () => {
  const time = (tag: number, text: string) => new Date(readTime({ tag, body: Buffer.from(text), raw: Buffer.alloc(0) })).toISOString()
  assert.equal(time(0x17, '491231235959Z'), '2049-12-31T23:59:59.000Z')
  assert.equal(time(0x17, '500101000000Z'), '1950-01-01T00:00:00.000Z')
  assert.equal(time(0x17, '240229000000Z'), '2024-02-29T00:00:00.000Z')
  assert.equal(time(0x18, '20500101000000Z'), '2050-01-01T00:00:00.000Z')
  assert.equal(time(0x18, '99991231235959Z'), '9999-12-31T23:59:59.000Z')
  for (const text of [
    '2401010000Z',
    '240101000000',
    '240101000000+0100',
    '241301000000Z',
    '240230000000Z',
    '230229000000Z',
    '240101240000Z',
    '240101006000Z',
  ])
    assert.throws(() => time(0x17, text), DerError, text)
  for (const text of ['20240101000000', '20240101000000.5Z', '2024010100Z']) assert.throws(() => time(0x18, text), DerError, text)
  assert.throws(() => time(0x0c, '240101000000Z'), DerError)
})

test('whatever the bytes are, they are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      const reader = new DerReader(Buffer.from(bytes))
      try {
        while (!reader.isDone) {
          const found = reader.next()
          for (const read of [readOid, readBoolean, readSmallInteger, readFlags, readTime]) {
            try {
              read(found)
            } catch (error) {
              assert.ok(error instanceof DerError)
            }
          }
        }
      } catch (error) {
        assert.ok(error instanceof DerError)
      }
    }),
  )
})

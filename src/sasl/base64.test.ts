import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readBase64 } from './base64.ts'

test('whatever is written as base64 is read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      assert.deepEqual(readBase64(Buffer.from(Buffer.from(bytes).toString('base64'))), Buffer.from(bytes))
    }),
  )
})

test('what is read has no other spelling', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ABQYZaz019+/=-_ \n*'), maxLength: 12 })
  fc.assert(
    fc.property(text, text => {
      const read = readBase64(Buffer.from(text))
      if (read !== undefined) assert.equal(read.toString('base64'), text)
      else assert.notEqual(Buffer.from(text, 'base64').toString('base64'), text)
    }),
    { numRuns: 1000 },
  )
})

test('bytes beyond ASCII, spaces and the URL alphabet are refused', () => {
  for (const text of ['AAA', 'A===', 'AA=A', '====', 'AAAA====', 'AA A', 'AA-_', 'AAé', 'AAB=', 'AB==']) {
    assert.equal(readBase64(Buffer.from(text)), undefined, text)
  }
})

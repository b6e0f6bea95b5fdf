import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz } from './fuzz/xml.ts'

test('50,000 documents are judged as saxes judges them, but for the differences on the list', () => {
  const used = fuzz(1, 50_000)
  assert.ok(used.get('both accept the same')! > 10_000)
  assert.ok(used.get('both refuse')! > 10_000)
})

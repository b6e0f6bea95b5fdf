import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowMode } from './slow-mode.ts'

const ROMEO = 'romeo@here.example'
const refused = { condition: 'policy-violation', type: 'wait' }

test('XEP-0500 §5: between two messages of one person the time must pass, and the error says how long it is', () => {
  const slowMode = new SlowMode()
  slowMode.mustWait(ROMEO, 20, 1_000_000)
  assert.throws(() => slowMode.mustWait(ROMEO, 20, 1_019_999), { ...refused, message: /wait 20 seconds .* again in 1 seconds/ })
  slowMode.mustWait('juliet@here.example', 20, 1_019_999)
  slowMode.mustWait(ROMEO, 20, 1_020_000)
  assert.throws(() => slowMode.mustWait(ROMEO, 20, 1_020_001), refused)
})

test('who was refused need not wait longer for it', () => {
  const slowMode = new SlowMode()
  slowMode.mustWait(ROMEO, 20, 1_000_000)
  assert.throws(() => slowMode.mustWait(ROMEO, 20, 1_010_000), refused)
  slowMode.mustWait(ROMEO, 20, 1_020_000)
})

test('a shorter time holds at once, and a clock that is put back silences nobody', () => {
  const slowMode = new SlowMode()
  slowMode.mustWait(ROMEO, 3600, 1_000_000)
  slowMode.mustWait(ROMEO, 5, 1_005_000)
  slowMode.mustWait(ROMEO, 5, 900_000)
})

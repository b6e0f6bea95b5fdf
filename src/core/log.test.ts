import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLog } from './log.ts'

test('a fault says what kind of error it was and where, and nothing of its message', () => {
  const lines: string[] = []
  const log = openLog(
    line => lines.push(line),
    () => 0,
  )
  log.fault('test.failed', new TypeError('secret\n    at secret (src/secret.ts:1:1)', { cause: new Error('secret') }))
  log.fault('test.failed', 'secret')
  const [line, other] = lines
  assert.match(
    line!,
    /^1970-01-01T00:00:00\.000Z fault test\.failed TypeError at .*\(src\/core\/log\.test\.ts:\d+:\d+\).* caused by Error at /,
  )
  assert.equal(other, '1970-01-01T00:00:00.000Z fault test.failed not an error\n')
  assert.ok(!lines.join('').includes('secret'))
  assert.equal(lines.join('').split('\n').length, 3)
})

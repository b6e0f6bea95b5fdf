import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DialbackKeys } from './dialback-key.ts'

const PAIR = { target: 'montague.example', sender: 'capulet.example', streamId: 'D60000229F' }

test('XEP-0220 §2.1.1 and XEP-0185 §2: the key of the examples', () => {
  const keys = new DialbackKeys(Buffer.from('s3cr3tf0rd14lb4ck'))
  assert.equal(keys.make(PAIR), 'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3')
  const other = new DialbackKeys(Buffer.from('d14lb4ck43v3r'))
  const key = other.make({ target: 'capulet.example', sender: 'montague.example', streamId: '417GAF25' })
  assert.equal(key, '225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d')
})

test('a key is right for its stream, its sender and its target alone', () => {
  const keys = new DialbackKeys()
  const key = keys.make(PAIR)
  assert.ok(keys.isRight(key, PAIR))
  assert.ok(!keys.isRight(key, { ...PAIR, streamId: 'D60000229G' }))
  assert.ok(!keys.isRight(key, { ...PAIR, sender: 'tybalt.example' }))
  assert.ok(!keys.isRight(key, { ...PAIR, target: 'chat.montague.example' }))
  assert.ok(!keys.isRight(key, { ...PAIR, target: PAIR.sender, sender: PAIR.target }))
  assert.ok(!keys.isRight(`${key}0`, PAIR))
  assert.ok(!keys.isRight('', PAIR))
  assert.ok(!keys.isRight('ü'.repeat(key.length), PAIR))
})

test('no parts of other texts make the same key', () => {
  const keys = new DialbackKeys()
  const key = keys.make({ target: 'a.example', sender: 'b.example', streamId: 'c' })
  assert.ok(!keys.isRight(key, { target: 'a.example', sender: 'b.example c', streamId: '' }))
  const shifted = { target: 'x.example', sender: 'a.example', streamId: 'b.example c' }
  assert.ok(!keys.isRight(keys.make(shifted), shifted))
})

test('each process has a secret of its own', () => {
  assert.ok(!new DialbackKeys().isRight(new DialbackKeys().make(PAIR), PAIR))
})

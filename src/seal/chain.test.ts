import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAead } from './aead.ts'
import { ChainOpener, ChainSealer } from './chain.ts'
import { u64 } from './encoding.ts'
import { hkdf } from './hkdf.ts'
import { openItem } from './item.ts'
import { unpad } from './padding.ts'
import { PrivateKey } from './private-key.ts'
import type { SealReason } from './seal-error.ts'
import { account, accountKey } from './test-fixture.ts'

const STORE = 6
const texts = ['one', 'two', '', 'x'.repeat(5000)]

function chain(): { sealer: ChainSealer; boxes: Buffer[] } {
  const sealer = new ChainSealer(account, STORE)
  return { sealer, boxes: texts.map(text => sealer.seal(Buffer.from(text))) }
}

const refuses = (work: () => unknown, reason: SealReason): void => assert.throws(work, { name: 'SealError', reason })
const opener = (head: Buffer): ChainOpener => new ChainOpener(accountKey(), account, STORE, head)

test('the owner opens every link of a chain', () => {
  const { sealer, boxes } = chain()
  assert.equal(sealer.length, 4)
  const open = opener(sealer.head)
  assert.deepEqual(
    boxes.map((box, i) => String(open.open(i, box))),
    texts,
  )
})

test('each link has a key of its own, and both it and the next one come out of the one before', () => {
  const { sealer, boxes } = chain()
  let key = openItem(accountKey(), account, STORE, 0, sealer.head)
  for (const [i, box] of boxes.entries()) {
    const both = hkdf('sha256', key, Buffer.alloc(0), 'CXZ-SEAL-1 chain', 64)
    const plain = openAead('aes-256-gcm', both.subarray(0, 32), Buffer.alloc(12), u64(i), box)
    assert.equal(String(unpad(plain, 256)), texts[i])
    key = both.subarray(32)
  }
})

test('some may be left out, but none opened that stands before one that was', () => {
  const { sealer, boxes } = chain()
  const open = opener(sealer.head)
  assert.equal(String(open.open(1, boxes[1]!)), 'two')
  refuses(() => open.open(1, boxes[1]!), 'malformed')
  assert.throws(() => open.open(0, boxes[0]!), /opened in its order/)
  assert.equal(String(open.open(3, boxes[3]!)), texts[3])
})

test('the same text is sealed differently each time, and padded as a body is', () => {
  const sealer = new ChainSealer(account, STORE)
  const boxes = ['same', 'same', 'another', 'y'.repeat(252), 'y'.repeat(253)].map(text => sealer.seal(Buffer.from(text)))
  assert.notDeepEqual(boxes[0], boxes[1])
  assert.deepEqual(
    boxes.map(({ length }) => length),
    [272, 272, 272, 272, 528],
  )
  assert.notDeepEqual(sealer.head, new ChainSealer(account, STORE).head)
})

test('nothing else opens a chain: another key, account, generation or store, another chain', () => {
  const { sealer, boxes } = chain()
  const { head } = sealer
  refuses(() => new ChainOpener(PrivateKey.generate(), account, STORE, head), 'unreadable')
  refuses(() => new ChainOpener(accountKey(), { ...account, generation: 2 }, STORE, head), 'unreadable')
  refuses(() => new ChainOpener(accountKey(), { ...account, id: Buffer.alloc(16, 1) }, STORE, head), 'unreadable')
  refuses(() => new ChainOpener(accountKey(), account, STORE + 1, head), 'unreadable')
  refuses(() => opener(chain().sealer.head).open(0, boxes[0]!), 'unreadable')
})

test('a link opens in its own place alone', () => {
  const { sealer, boxes } = chain()
  refuses(() => opener(sealer.head).open(0, boxes[1]!), 'unreadable')
  refuses(() => opener(sealer.head).open(1, boxes[0]!), 'unreadable')
})

test('one bit that is different, and it does not open', () => {
  const { sealer, boxes } = chain()
  for (let i = 0; i < boxes[0]!.length; i++) {
    const box = Buffer.from(boxes[0]!)
    box[i]! ^= 1 << (i % 8)
    refuses(() => opener(sealer.head).open(0, box), 'unreadable')
  }
  refuses(() => opener(sealer.head).open(0, boxes[0]!.subarray(1)), 'unreadable')
  refuses(() => opener(sealer.head).open(0, Buffer.alloc(15)), 'malformed')
})

test('what was wiped seals and opens nothing', () => {
  const { sealer, boxes } = chain()
  const open = opener(sealer.head)
  open.wipe()
  assert.throws(() => open.open(0, boxes[0]!), /no secret/)
  sealer.wipe()
  assert.throws(() => sealer.seal(Buffer.from('more')), /no secret/)
  assert.equal(String(opener(sealer.head).open(0, boxes[0]!)), 'one')
})

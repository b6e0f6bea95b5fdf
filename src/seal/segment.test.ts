import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SealedAccount } from './account.ts'
import { PrivateKey } from './private-key.ts'
import { type SegmentAddress, SegmentOpener, SegmentSealer } from './segment.ts'
import { account, accountKey, address, flips, hex, input, otherLengths } from './test-fixture.ts'

const day = input('S_class_day')
const archive = input('S_acct')
const header = Buffer.from('header')
const body = Buffer.from('<message/>')
const unreadable = { name: 'SealError', reason: 'unreadable' }
const malformed = { name: 'SealError', reason: 'malformed' }

const sealer = new SegmentSealer(address, day, archive)
const { enc } = sealer
const boxes = sealer.seal(0, 7, header, body)
const later = sealer.seal(1, 8, header, body)

function open(changes: Partial<SegmentAddress> = {}, key = accountKey(), enc2 = enc, day2 = day, archive2 = archive): SegmentOpener {
  return new SegmentOpener({ ...address, ...changes }, enc2, key, day2, archive2)
}

function other(changes: Partial<SealedAccount>): { account: SealedAccount } {
  return { account: { ...account, ...changes } }
}

test('messages open in any order, each half by itself', () => {
  const opener = open()
  assert.deepEqual(opener.body(1, 8, later.body), body)
  assert.deepEqual(opener.header(0, 7, boxes.header), header)
  assert.deepEqual(opener.body(0, 7, boxes.body), body)
  assert.deepEqual(opener.header(1, 8, later.header), header)
})

test('once the secret of the day or of the account is destroyed, the private key opens nothing', () => {
  const zero = Buffer.alloc(32)
  assert.throws(() => open({}, accountKey(), enc, zero).body(0, 7, boxes.body), unreadable)
  assert.throws(() => open({}, accountKey(), enc, day, zero).body(0, 7, boxes.body), unreadable)
  assert.throws(() => open({}, accountKey(), enc, archive, day).body(0, 7, boxes.body), unreadable)
})

test('without the private key the secrets open nothing', () => {
  assert.throws(() => open({}, PrivateKey.generate()).body(0, 7, boxes.body), unreadable)
})

test('a row that was moved does not open', () => {
  const opener = open()
  assert.throws(() => opener.body(0, 8, boxes.body), unreadable)
  assert.throws(() => opener.header(0, 8, boxes.header), unreadable)
  assert.throws(() => opener.body(1, 7, boxes.body), unreadable)
  assert.throws(() => opener.header(1, 7, boxes.header), unreadable)
})

test('a segment that claims to be of the other suite does not open', () => {
  const claimed = Buffer.from(enc)
  claimed[0] = 1
  assert.throws(() => open({}, accountKey(), claimed).body(0, 7, boxes.body), unreadable)
})

test('a header is no body', () => {
  const opener = open()
  assert.throws(() => opener.body(0, 7, boxes.header), unreadable)
  assert.throws(() => opener.header(0, 7, boxes.body), unreadable)
})

test('a segment that was moved does not open: account, generation, store, number, class and period are bound', () => {
  for (const changes of [
    other({ id: input('other', 16) }),
    other({ generation: 2 }),
    { store: 2 },
    { segment: 43 },
    { class: 7 },
    { period: 20_701 },
  ])
    assert.throws(() => open(changes).body(0, 7, boxes.body), unreadable, JSON.stringify(changes))
})

test('W6: what was sealed to a substituted key does not open with the right one', () => {
  const substituted = new SegmentSealer({ ...address, ...other({ publicKey: PrivateKey.generate().publicKey }) }, day, archive)
  const { body: box } = substituted.seal(0, 7, header, body)
  assert.throws(() => open({}, accountKey(), substituted.enc).body(0, 7, box), unreadable)
})

test('two segments with one number have nothing in common', () => {
  const again = new SegmentSealer(address, day, archive)
  const { body: box } = again.seal(0, 7, header, body)
  assert.notDeepEqual(again.enc, enc)
  assert.notDeepEqual(box, boxes.body)
  assert.throws(() => open().body(0, 7, box), unreadable)
  assert.throws(() => open({}, accountKey(), again.enc).body(0, 7, boxes.body), unreadable)
})

test('no place is used twice, since that would give both messages away', () => {
  const sealer = new SegmentSealer(address, day, archive)
  sealer.seal(3, 1, header, body)
  for (const index of [3, 2, 0]) assert.throws(() => sealer.seal(index, 2, header, body), /was used/)
  assert.throws(() => sealer.seal(4, -1, header, body), malformed)
  sealer.seal(4, 2, header, body)
})

test('a place needs 31 bits, and an ord is a safe number', () => {
  const sealer = new SegmentSealer(address, day, archive)
  const last = 2 ** 31 - 1
  const ord = Number.MAX_SAFE_INTEGER
  for (const index of [-1, 0.5, Number.NaN]) assert.throws(() => sealer.seal(index, 0, header, body))
  const sealed = sealer.seal(last, ord, header, body)
  assert.throws(() => sealer.seal(2 ** 31, 0, header, body), malformed)
  const opener = open({}, accountKey(), sealer.enc)
  assert.deepEqual(opener.header(last, ord, sealed.header), header)
  assert.deepEqual(opener.body(last, ord, sealed.body), body)
  for (const index of [2 ** 31, -1, 0.5, Number.NaN]) {
    assert.throws(() => opener.header(index, 7, boxes.header), malformed)
    assert.throws(() => opener.body(index, 7, boxes.body), malformed)
  }
  for (const ord of [2 ** 53, -1]) assert.throws(() => opener.body(0, ord, boxes.body), malformed)
})

test('numbers of an address that do not fit are refused', () => {
  for (const changes of [
    { store: 256 },
    { segment: 2 ** 48 },
    { class: 256 },
    { period: 2 ** 32 },
    { period: -1 },
    other({ generation: 2 ** 32 }),
    other({ id: input('acct', 15) }),
  ]) {
    assert.throws(() => new SegmentSealer({ ...address, ...changes }, day, archive), malformed, JSON.stringify(changes))
    assert.throws(() => open(changes), malformed, JSON.stringify(changes))
  }
})

test('nothing is sealed with secrets that were wiped, or are too short', () => {
  for (const bad of [Buffer.alloc(32), input('short', 31), input('long', 33), Buffer.alloc(0)]) {
    assert.throws(() => new SegmentSealer(address, bad, archive), /no secret/)
    assert.throws(() => new SegmentSealer(address, day, bad), /no secret/)
  }
})

test('one bit that is wrong anywhere, and it does not open', () => {
  const opener = open()
  for (const flipped of flips(boxes.header)) assert.throws(() => opener.header(0, 7, flipped), unreadable)
  for (const flipped of flips(boxes.body)) assert.throws(() => opener.body(0, 7, flipped), unreadable)
  // X25519 has no use for the highest bit of a key, but it is part of what the secret is made from.
  for (const flipped of [...flips(enc), Buffer.concat([enc.subarray(0, 32), Buffer.of(enc[32]! ^ 0x80)])])
    assert.throws(() => open({}, accountKey(), flipped).header(0, 7, boxes.header), { name: 'SealError' })
})

test('what is cut off or too long does not open', () => {
  const opener = open()
  for (const box of otherLengths(boxes.header)) assert.throws(() => opener.header(0, 7, box), { name: 'SealError' })
  for (const box of otherLengths(boxes.body)) assert.throws(() => opener.body(0, 7, box), { name: 'SealError' })
  for (const other of otherLengths(enc)) assert.throws(() => open({}, accountKey(), other), malformed)
})

test('an unknown suite is refused', () => {
  for (const suite of [0, 3, 255])
    assert.throws(() => open({}, accountKey(), Buffer.concat([Buffer.of(suite), enc.subarray(1)])), malformed)
})

test('sizes give away no more than a bucket', () => {
  const sealer = new SegmentSealer(address, day, archive)
  const short = sealer.seal(0, 1, Buffer.alloc(0), Buffer.alloc(0))
  const longer = sealer.seal(1, 2, Buffer.alloc(124, 1), Buffer.alloc(252, 1))
  assert.deepEqual([short.header.length, short.body.length], [128 + 16, 256 + 16])
  assert.deepEqual([longer.header.length, longer.body.length], [128 + 16, 256 + 16])
  const longest = sealer.seal(2, 3, Buffer.alloc(125), Buffer.alloc(253))
  assert.deepEqual([longest.header.length, longest.body.length], [256 + 16, 512 + 16])
})

test('what was wiped neither seals nor opens', () => {
  const sealer = new SegmentSealer(address, day, archive)
  sealer.wipe()
  assert.throws(() => sealer.seal(0, 1, header, body), /wiped/)
  const opener = open()
  opener.wipe()
  assert.throws(() => opener.header(0, 7, boxes.header), /wiped/)
  const key = accountKey()
  key.wipe()
  assert.throws(() => open({}, key), /wiped/)
})

test('a key of another person than the one that stands beside the account opens nothing', () => {
  assert.throws(() => new SegmentSealer({ ...address, ...other({ publicKey: hex('00'.repeat(32)) }) }, day, archive), malformed)
})

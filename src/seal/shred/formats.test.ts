import assert from 'node:assert/strict'
import { test } from 'node:test'
import { input } from '../test-fixture.ts'
import { BLOCK_SIZE } from './image.ts'
import { type KeyRecord, RECORD_SIZE, readKeyRecord, writeKeyRecord } from './key-record.ts'
import { newest } from './newest.ts'
import { openBlock, PAGE_SIZE, sealBlock } from './sealed-block.ts'

const record: KeyRecord = {
  version: 2 ** 40 + 5,
  epoch: 0x01020304,
  key: input('key'),
  former: input('former'),
  blocks: 0x05060708,
  day: 20_683,
  clock: Date.UTC(2026, 7, 18, 12, 34, 56, 789),
}

test('a record is read as it was written', () => {
  assert.equal(writeKeyRecord(record).length, RECORD_SIZE)
  assert.deepEqual(readKeyRecord(writeKeyRecord(record)), record)
  assert.deepEqual(readKeyRecord(writeKeyRecord({ ...record, former: undefined })), { ...record, former: undefined })
  assert.equal(readKeyRecord(Buffer.alloc(RECORD_SIZE)), undefined)
  assert.equal(readKeyRecord(Buffer.alloc(0)), undefined)
})

test('a page is read as it was written, with the key of its epoch and in its place', () => {
  const version = { epoch: 7, version: 2 ** 40 + 5, block: Buffer.alloc(BLOCK_SIZE, 1) }
  const page = sealBlock(input('key'), 3, version)
  assert.equal(page.length, PAGE_SIZE)
  assert.deepEqual(openBlock(new Map([[7, input('key')]]), 3, page), version)
  assert.equal(openBlock(new Map([[7, input('key')]]), 4, page), undefined)
  assert.equal(openBlock(new Map([[7, input('other')]]), 3, page), undefined)
  assert.equal(openBlock(new Map([[8, input('key')]]), 3, page), undefined)
  assert.equal(openBlock(new Map([[7, undefined]]), 3, page), undefined)
  const moved = Buffer.from(page)
  moved.writeUInt32BE(8)
  assert.equal(openBlock(new Map([[8, input('key')]]), 3, moved), undefined)
})

test('of two versions the greater counts, of one that one', () => {
  const [one, two] = [{ version: 1 }, { version: 2 }]
  assert.equal(newest([one, two]), two)
  assert.equal(newest([two, one]), two)
  assert.equal(newest([undefined, one]), one)
  assert.equal(newest([one, undefined]), one)
  assert.equal(newest([undefined, undefined]), undefined)
})

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { readImage } from './image.ts'

const png = (width: number, height: number): Buffer => {
  const header = Buffer.alloc(24)
  header.write('89504e470d0a1a0a0000000d49484452', 'hex')
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  return header
}
const read = (bytes: Buffer, said?: string) => readImage(bytes.toString('base64'), said)!

test('XEP-0084 §4.2.1: the id is the SHA-1 hash of the bytes, and what can be seen of them is told', () => {
  const bytes = png(64, 48)
  assert.deepEqual(read(bytes), { id: hash('sha1', bytes), bytes, type: 'image/png', width: 64, height: 48 })
})

test('formats are known by their bytes', () => {
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc400040100ffc000110800300040030122', 'hex')
  for (const [bytes, type, width, height] of [
    [Buffer.from('GIF89a\x40\x00\x30\x00;', 'latin1'), 'image/gif', 64, 48],
    [Buffer.from('RIFF\0\0\0\0WEBPVP8 ', 'latin1'), 'image/webp', undefined, undefined],
    [jpeg, 'image/jpeg', 64, 48],
    [jpeg.subarray(0, 20), 'image/jpeg', undefined, undefined],
  ] as const) {
    const image = read(bytes)
    assert.deepEqual([image?.type, image?.width, image?.height], [type, width, height])
  }
})

test('XEP-0153 §5: what the bytes are goes before what they are said to be', () => {
  assert.equal(read(png(1, 1), 'image/jpeg')?.type, 'image/png')
  assert.equal(read(Buffer.from('a format to come'), ' image/JXL ')?.type, 'image/jxl')
  for (const said of [undefined, '', 'text/html', 'image/', 'image/<b>', 'application/image/png']) {
    assert.equal(read(Buffer.from('no image'), said), undefined, String(said))
  }
})

test('XEP-0153 §4.5: white space does not count, and nothing else may be there that is not base64', () => {
  const base64 = png(1, 1).toString('base64')
  assert.equal(readImage(` ${base64.slice(0, 9)}\r\n\t${base64.slice(9)}\n`, undefined)?.type, 'image/png')
  for (const junk of ['', ' ', '=', '====', 'A', 'AAA', `${base64}!`, 'AA=A', 'ÄÄÄÄ', base64.replace('i', '-')]) {
    assert.equal(readImage(junk, 'image/png')?.bytes.length ?? 0, 0, junk)
  }
})

test('whatever the bytes are, they are read to an end', () => {
  const starts = ['', '89504e470d0a1a0a', 'ffd8ff', '474946383961', '52494646'].map(hex => Buffer.from(hex, 'hex'))
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 64 }), (start, rest) => {
      const bytes = Buffer.concat([start, rest])
      const image = read(bytes, 'image/png')
      assert.ok(bytes.length === 0 ? image === undefined : image?.bytes.equals(bytes))
    }),
  )
})

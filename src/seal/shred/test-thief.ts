import { RECORD_SIZE, readKeyRecord } from './key-record.ts'
import { openBlock, PAGE_SIZE } from './sealed-block.ts'
import type { TestDisk } from './test-disk.ts'

/** For tests: every block that opens with a key that is on the disk, as text in which one can look for secrets. */
export function readable(slots: TestDisk, keys = slots): string {
  const pages: string[] = []
  const keyFile = keys.files.get('shred.key')!.now
  for (const at of [0, RECORD_SIZE]) {
    const record = readKeyRecord(keyFile.subarray(at, at + RECORD_SIZE))
    if (record === undefined) continue
    const known = new Map([[record.epoch, record.key]])
    if (record.former) known.set(record.epoch - 1, record.former)
    const bytes = slots.files.get('shred')!.now
    for (let page = 0; (page + 1) * PAGE_SIZE <= bytes.length; page++) {
      const version = openBlock(known, Math.floor(page / 2), bytes.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE))
      if (version) pages.push(version.block.toString('hex'))
    }
  }
  return pages.join()
}

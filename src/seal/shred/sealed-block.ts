import { openBox, sealBox } from '../box.ts'
import { join, u32, u64 } from '../encoding.ts'
import { BLOCK_SIZE } from './image.ts'

/** A page on the disk: `u32 epoch ‖ box`, and zeros. */
export const PAGE_SIZE = 4096

const EPOCH_SIZE = 4
const VERSION_SIZE = 8
/** Suite, salt and tag. */
const BOX_SIZE = 1 + 32 + VERSION_SIZE + BLOCK_SIZE + 16

export interface Version {
  readonly epoch: number
  /** Of two that can be read the one with the greater number is right. */
  readonly version: number
  readonly block: Buffer
}

export function sealBlock(key: Buffer, index: number, { epoch, version, block }: Version): Buffer {
  const plain = join(u64(version), block)
  const box = sealBox(key, info(epoch, index), plain)
  plain.fill(0)
  return join(u32(epoch), box, Buffer.alloc(PAGE_SIZE - EPOCH_SIZE - box.length))
}

/** Undefined if it was not sealed with one of the keys, which are given by epoch, or not written wholly. */
export function openBlock(keys: ReadonlyMap<number, Buffer | undefined>, index: number, page: Buffer): Version | undefined {
  const epoch = page.readUInt32BE()
  const key = keys.get(epoch)
  const plain = key && open(key, info(epoch, index), page.subarray(EPOCH_SIZE, EPOCH_SIZE + BOX_SIZE))
  return plain && { epoch, version: plain.readUInt32BE() * 2 ** 32 + plain.readUInt32BE(4), block: plain.subarray(VERSION_SIZE) }
}

function open(key: Buffer, info: Buffer, box: Buffer): Buffer | undefined {
  try {
    return openBox(key, info, box)
  } catch {
    return undefined
  }
}

function info(epoch: number, index: number): Buffer {
  return join('CXZ-SEAL-1 shred', u32(epoch), u32(index))
}

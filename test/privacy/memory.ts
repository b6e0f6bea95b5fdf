import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** A stretch of a process's memory. */
export interface Region {
  /** As /proc names it: `[heap]`, `[stack]`, a file, or nothing. */
  readonly name: string
  readonly from: number
  readonly size: number
}

const CHUNK = 16 * 2 ** 20
/** Bytes at the end of a chunk that are read again with the next one, so that nothing is missed between them. */
const OVERLAP = 4096

/** What a process of ours may write to, which is where it keeps what it was told. */
export function regionsOf(pid: number): Region[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trimEnd().split('\n')
  return lines.flatMap(line => {
    const [, from = '', to = '', rights = '', name = ''] = /^(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line)!
    const start = Number.parseInt(from, 16)
    return rights.startsWith('rw') ? [{ name, from: start, size: Number.parseInt(to, 16) - start }] : []
  })
}

/** All of it that can be read, in pieces. The process goes on meanwhile. */
export function* memoryOf(pid: number): Iterable<{ region: Region; offset: number; bytes: Buffer }> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.allocUnsafeSlow(CHUNK + OVERLAP)
  try {
    for (const region of regionsOf(pid)) {
      for (let offset = 0; offset < region.size; offset += CHUNK) {
        const length = Math.min(CHUNK + OVERLAP, region.size - offset)
        const read = readAt(memory, chunk, length, region.from + offset)
        if (read > 0) yield { region, offset, bytes: chunk.subarray(0, read) }
      }
    }
  } finally {
    closeSync(memory)
  }
}

/** Regions that are reserved and not used cannot be read. */
function readAt(file: number, into: Buffer, length: number, at: number): number {
  try {
    return readSync(file, into, 0, length, at)
  } catch {
    return 0
  }
}

import { readFileSync } from 'node:fs'
import type { Server } from '../faults/server.ts'
import type { Needles } from '../privacy/needles.ts'
import type { Value } from './columns.ts'
import type { Mint, Sighting } from './mint.ts'
import { filesIn } from './places.ts'

/** A packed address is so short that random bytes look like it now and then; that several do, does not happen. */
const BY_CHANCE = 5

/** A canary, and where it was seen: a file of the server's folder, `log`, `process`, or `table.column`. */
export interface Seen extends Sighting {
  readonly place: string
}

/** Looks for all canaries at once. */
export class Search {
  readonly #needles: Needles<Sighting>

  constructor(mint: Mint) {
    this.#needles = mint.needles()
  }

  in(content: Uint8Array, place: string): Seen[] {
    const seen = [...this.#needles.search(Buffer.from(content.buffer, content.byteOffset, content.length))]
    return seen.map(({ label }) => ({ ...label, place }))
  }

  /** In files as they lie on the disk, in all that was written to standard output and error, and in the process table. */
  around(server: Server): Seen[] {
    const files = filesIn(server.folder).flatMap(name => this.#certainIn(readFileSync(`${server.folder}/${name}`), name))
    const running = ['cmdline', 'environ'].flatMap(name => (server.isRunning ? [readFileSync(`/proc/${server.pid}/${name}`)] : []))
    return [...files, ...this.in(Buffer.from(server.output), 'log'), ...running.flatMap(bytes => this.in(bytes, 'process'))]
  }

  inColumns(columns: ReadonlyMap<string, readonly Value[]>): Seen[] {
    const bytesOf = (value: Value): Uint8Array => (value instanceof Uint8Array ? value : Buffer.from(String(value)))
    return [...columns].flatMap(([place, values]) => values.flatMap(value => this.in(bytesOf(value), place)))
  }

  #certainIn(content: Buffer, place: string): Seen[] {
    const seen = this.in(content, place)
    const doubtful = new Set(seen.filter(isShort).map(({ canary }) => canary))
    return seen.filter(each => !isShort(each) || doubtful.size > 1)
  }
}

function isShort({ canary, encoding }: Sighting): boolean {
  return canary.isAddress && canary.forms.get(encoding)!.length < BY_CHANCE
}

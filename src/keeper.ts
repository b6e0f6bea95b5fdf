/**
 * Where the secrets of what is kept live in memory alone, they outlast a restart in this process: it starts the server as its child,
 * gives it what the one before has handed over, and ends with it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import type { RunningServer } from './admin/context.ts'

/** The server ends with it to be started anew (EX_TEMPFAIL). */
export const RESTART = 75

/** Is set for a server that has a keeper. */
const KEPT = 'CONEXIZAN_KEPT'
/** Where it finds what is handed over to it, and where it writes what it hands over. */
const FROM_KEEPER = 3
const TO_KEEPER = 4
const LENGTH_SIZE = 4

export const isKept = (): boolean => process.env[KEPT] !== undefined

/** Starts the server again and again, until it ends for good. */
export function keep(): RunningServer {
  const children = { current: undefined as { kill(signal: NodeJS.Signals): boolean } | undefined }
  // The terminal sends SIGINT to the child as well.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void children.current?.kill(signal))
  const run = async (): Promise<number> => {
    let handed: Buffer = Buffer.alloc(0)
    for (;;) {
      const stdio = ['inherit', 'inherit', 'inherit', 'pipe', 'pipe'] as const
      const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
        stdio: [...stdio],
        env: { ...process.env, [KEPT]: '1' },
      })
      children.current = child
      give(child.stdio[FROM_KEEPER] as Writable, handed)
      const [received, [code, signal]] = await Promise.all([readAll(child.stdio[TO_KEEPER] as Readable), once(child, 'exit')])
      if (code !== RESTART) return code ?? 128 + constants.signals[signal as NodeJS.Signals]
      handed = received
    }
  }
  return { notes: [], stopped: run() }
}

/** What the server before has handed over; undefined if there was none. From then on this one ends with its keeper. */
export function inherited(): Buffer | undefined {
  const bytes = read(read(LENGTH_SIZE).readUInt32BE())
  new Socket({ fd: FROM_KEEPER, writable: false })
    .on('close', () => process.exit(1))
    .resume()
    .unref()
  return bytes.length === 0 ? undefined : bytes
}

/** Hands over to the server that comes; wipes what it was given. */
export function handOver(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(TO_KEEPER, bytes, at)
  bytes.fill(0)
}

/** The pipe stays open: its end is the end of the keeper. */
function give(pipe: Writable, bytes: Buffer): void {
  const length = Buffer.alloc(LENGTH_SIZE)
  length.writeUInt32BE(bytes.length)
  pipe.on('error', () => {})
  pipe.write(length)
  pipe.write(bytes, () => bytes.fill(0))
}

function read(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; ) {
    const count = readSync(FROM_KEEPER, bytes, at, size - at, null)
    if (count === 0) throw new Error('the keeper has gone')
    at += count
  }
  return bytes
}

async function readAll(from: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of from) chunks.push(chunk)
  const all = Buffer.concat(chunks)
  for (const chunk of chunks) chunk.fill(0)
  return all
}

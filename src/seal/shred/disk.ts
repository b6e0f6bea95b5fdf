import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { lockFile } from './file-lock.ts'

/** What the store needs of a disk; tests have one that breaks. */
export interface Disk {
  /** Lets no second process in until what it gives is called, or this process ends. Throws if there is one. */
  lock(path: string): () => void
  /** Opens a file for reading and writing; undefined if there is none. */
  open(path: string): Promise<DiskFile | undefined>
  /** An empty file that only its owner may read, in place of one that may be there. */
  create(path: string): Promise<DiskFile>
  /** Gives a file another name, durably and at once. */
  rename(from: string, to: string): Promise<void>
}

export interface DiskFile {
  /** Fewer bytes only where the file ends. */
  read(at: number, size: number): Promise<Buffer>
  write(at: number, bytes: Buffer): Promise<void>
  /** What was written is durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

const MODE = 0o600

export const realDisk: Disk = {
  lock: lockFile,

  async open(path) {
    try {
      return await openFile(path, 'r+')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  },

  create: path => openFile(path, 'w+'),

  async rename(from, to) {
    await rename(from, to)
    const directory = await open(dirname(to), 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

async function openFile(path: string, flags: 'r+' | 'w+'): Promise<DiskFile> {
  const handle = await open(path, flags, MODE)
  // Whatever it was made with, or restored as.
  await handle.chmod(MODE)
  return {
    read: async (at, size) => {
      const bytes = Buffer.alloc(size)
      let done = 0
      let more: number
      do {
        more = (await handle.read(bytes, done, size - done, at + done)).bytesRead
        done += more
      } while (more > 0)
      return bytes.subarray(0, done)
    },
    write: async (at, bytes) => {
      let done = 0
      while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  }
}

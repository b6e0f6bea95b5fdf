import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SealError } from '../seal-error.ts'
import { openShredFile } from '../shred-store.ts'
import { input } from '../test-fixture.ts'
import { realDisk } from './disk.ts'
import { lockFile } from './file-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'shred-'))
after(() => rmSync(folder, { recursive: true }))

const romeo = input('romeo', 16)
const modeOf = (path: string): number => statSync(path).mode & 0o777

test('a store on a real disk: only its owner may read it, and it is there after a restart', async () => {
  const path = join(folder, 'store')
  const store = await openShredFile(path)
  await store.makeAccount(romeo)
  const archive = Buffer.from(store.account(romeo)!.archive)
  for (const suffix of ['', '.key', '.lock']) assert.equal(modeOf(path + suffix), 0o600)
  assert.ok(!existsSync(`${path}.key.new`))
  await store.close()
  chmodSync(path, 0o644)
  chmodSync(`${path}.key`, 0o640)
  const again = await openShredFile(path)
  for (const suffix of ['', '.key']) assert.equal(modeOf(path + suffix), 0o600)
  assert.deepEqual(again.account(romeo)!.archive, archive)
  assert.equal(again.isNew, false)
  await again.close()
})

test('a second one does not get in while the first is open', async () => {
  const path = join(folder, 'twice')
  const store = await openShredFile(path)
  await assert.rejects(
    openShredFile(path),
    (error: SealError) => error.reason === 'unreadable' && /another process/.test(error.message) && error.cause instanceof Error,
  )
  await store.close()
  await (await openShredFile(path)).close()
})

test('a process that was killed leaves no lock behind', async () => {
  const path = join(folder, 'killed')
  const script = `import { lockFile } from ${JSON.stringify(new URL('file-lock.ts', import.meta.url).href)}
lockFile(process.argv[1]); console.log('locked'); process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  assert.throws(() => lockFile(path), { name: 'SealError', reason: 'unreadable' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  lockFile(path)()
  assert.equal(statSync(path).size, 0)
})

test('a lock that cannot be made is no lock', () => {
  assert.throws(() => lockFile(join(folder, 'nowhere', 'lock')), { code: 'ENOENT' })
})

test('files: what was written is read, and no more than there is', async () => {
  const path = join(folder, 'file')
  assert.equal(await realDisk.open(path), undefined)
  writeFileSync(path, 'what was there before')
  const file = await realDisk.create(path)
  await file.write(3, Buffer.from('abc'))
  await file.write(4, Buffer.from('x'))
  await file.sync()
  assert.deepEqual(await file.read(0, 6), Buffer.from('\0\0\0axc'))
  assert.deepEqual(await file.read(4, 100), Buffer.from('xc'))
  assert.deepEqual(await file.read(100, 1), Buffer.alloc(0))
  await realDisk.rename(path, `${path}2`)
  await file.close()
  assert.equal(await realDisk.open(path), undefined)
  assert.equal(readFileSync(`${path}2`, 'latin1'), '\0\0\0axc')
  const again = await realDisk.open(`${path}2`)
  await again!.close()
})

test('files: a system that reads and writes less than it was asked to is asked again', async t => {
  const path = join(folder, 'bits')
  const { handles, restore } = await spyOnHandles()
  t.after(restore)
  handles.most = 3
  const file = await realDisk.create(path)
  await file.write(5, Buffer.from('abcdefgh'))
  assert.equal(readFileSync(path, 'latin1'), '\0\0\0\0\0abcdefgh')
  assert.deepEqual(await file.read(6, 7), Buffer.from('bcdefgh'))
  assert.deepEqual(await file.read(6, 100), Buffer.from('bcdefgh'))
  await file.close()
})

test('files: what is to be durable is synced, names too', async t => {
  const { handles, restore } = await spyOnHandles()
  t.after(restore)
  const file = await realDisk.create(join(folder, 'durable'))
  await file.write(0, Buffer.from('x'))
  assert.deepEqual(handles.synced, [])
  await file.sync()
  assert.deepEqual(handles.synced, ['datasync'])
  await realDisk.rename(join(folder, 'durable'), join(folder, 'renamed'))
  assert.deepEqual(handles.synced, ['datasync', 'sync'])
  await file.close()
})

interface Spied {
  /** Bytes that are read or written at once. */
  most: number
  readonly synced: string[]
}

/** Stands between Node and its file handles. */
async function spyOnHandles(): Promise<{ handles: Spied; restore: () => void }> {
  const handles: Spied = { most: Number.POSITIVE_INFINITY, synced: [] }
  const one = await open(folder, 'r')
  const prototype: Record<string, (...args: never[]) => unknown> = Object.getPrototypeOf(one)
  await one.close()
  const { read, write, sync, datasync } = prototype
  const originals = { read: read!, write: write!, sync: sync!, datasync: datasync! }
  for (const name of ['read', 'write'] as const)
    prototype[name] = function (this: FileHandle, bytes: Buffer, offset: number, length: number, at: number) {
      return originals[name].call(this, ...([bytes, offset, Math.min(length, handles.most), at] as never[]))
    }
  for (const name of ['sync', 'datasync'] as const)
    prototype[name] = function (this: FileHandle) {
      handles.synced.push(name)
      return originals[name].call(this)
    }
  return { handles, restore: () => void Object.assign(prototype, originals) }
}

test('a file that cannot be opened is not taken for one that is not there', async () => {
  await assert.rejects(realDisk.open(folder), { code: 'EISDIR' })
  await assert.rejects(realDisk.create(join(folder, 'nowhere', 'file')), { code: 'ENOENT' })
  await assert.rejects(realDisk.rename(join(folder, 'nothing'), join(folder, 'something')), { code: 'ENOENT' })
})

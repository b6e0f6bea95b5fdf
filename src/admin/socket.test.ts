import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { commands } from './commands/index.ts'
import { defaultConfig } from './config.ts'
import { FakeProgram, runLine } from './fixture.ts'
import { askServer, openAdminSocket } from './socket.ts'

async function serve(t: TestContext, inner = '') {
  const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const data = join(folder, inner)
  await mkdir(data, { recursive: true })
  const program = new FakeProgram()
  const faults: unknown[] = []
  const open = () => openAdminSocket(data, commands, program.context(defaultConfig({}, data)), error => faults.push(error))
  const socket = await open()
  t.after(async () => {
    await socket.close()
    await rm(folder, { recursive: true })
  })
  return { data, program, faults, open }
}

test('the socket is for its owner alone', async t => {
  const umask = process.umask(0)
  const { data } = await serve(t)
  assert.equal(process.umask(umask), 0)
  assert.equal((await stat(join(data, 'admin.sock'))).mode & 0o777, 0o600)
})

test('a command runs in the server if there is one', async t => {
  const { data, program } = await serve(t)
  const other = new FakeProgram()
  const ran = await runLine('user add alice', { program: other, data, stdin: 'horse\n' })
  assert.deepEqual(ran, { code: 0, stdout: '', stderr: 'alice@localhost can log in now.\n' })
  assert.equal(program.passwords.get('alice@localhost'), 'horse')
  assert.equal(other.opened, 0)
  assert.equal((await runLine('status', { program: other, data })).stdout, 'sessions       3\naccounts       1\nexpiry_halted  0\n')
  assert.equal((await runLine('stop', { program: other, data })).code, 0)
  assert.equal(program.stopped, 1)
})

test('an error in the server is told as it would be without', async t => {
  const { data, faults } = await serve(t)
  const program = new FakeProgram()
  assert.deepEqual(await runLine('user password bob', { program, data, stdin: 'x\n' }), {
    code: 1,
    stdout: '',
    stderr: 'there is no account bob@localhost\n',
  })
  assert.deepEqual(await runLine('invite create --name fault', { program, data }), {
    code: 1,
    stdout: '',
    stderr: 'the server failed at this; its log says where\n',
  })
  assert.equal(faults.length, 1)
})

for (const request of [
  {},
  { command: ['start'], input: {} },
  { command: 'status', input: {} },
  { command: ['status'], input: { more: 'x' } },
  { command: ['status'] },
  { command: ['user', 'add'], input: { address: 'alice' } },
  { command: ['user', 'add'], input: { address: ['alice'], password: 'x' } },
  { command: ['user', 'add'], input: { address: 'alice', password: 3 } },
  { command: ['user', 'add'], input: { address: 'alice', password: '' } },
]) {
  test(`the server refuses ${JSON.stringify(request)}`, async t => {
    const { data, program, faults } = await serve(t)
    const reply = await askServer(data, request as Parameters<typeof askServer>[1])
    assert.ok(reply && 'error' in reply)
    assert.equal(program.passwords.size, 0)
    assert.deepEqual(faults, [])
  })
}

test('who writes too much is cut off, and what is not JSON is refused', async t => {
  const { data } = await serve(t)
  const flood = createConnection(join(data, 'admin.sock')).on('error', () => {})
  flood.write(Buffer.alloc(100_000, 'x'))
  await once(flood, 'close')
  const nonsense = createConnection(join(data, 'admin.sock'))
  nonsense.write('{\n')
  const [answer] = await once(nonsense, 'data')
  assert.match(String(answer), /does not know this command/)
})

test('a socket that was left behind is replaced, one that is in use is not', async t => {
  const { data, open } = await serve(t)
  await assert.rejects(open(), /another server runs on this data folder/)
  assert.equal((await runLine('status', { program: new FakeProgram(), data })).code, 0)

  const left = join(data, 'left')
  await mkdir(left)
  const { execFileSync } = await import('node:child_process')
  const script = 'require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))'
  assert.throws(() => execFileSync(process.execPath, ['-e', script, join(left, 'admin.sock')]))
  assert.ok((await stat(join(left, 'admin.sock'))).isSocket())
  assert.equal(await askServer(left, { command: ['status'], input: {} }), undefined)
  const context = new FakeProgram().context(defaultConfig({}, left))
  const socket = await openAdminSocket(left, commands, context, () => {})
  assert.ok(await askServer(left, { command: ['status'], input: {} }))
  await socket.close()
  await assert.rejects(stat(join(left, 'admin.sock')), { code: 'ENOENT' })
})

test('a data folder may have a long path', { skip: process.platform !== 'linux' }, async t => {
  const { data, open } = await serve(t, join('d'.repeat(100), 'e'.repeat(100)))
  assert.equal((await stat(join(data, 'admin.sock'))).mode & 0o777, 0o600)
  assert.equal((await runLine('status', { program: new FakeProgram(), data })).code, 0)
  await assert.rejects(open(), /another server runs/)
})

test('a server that closes without an answer is told', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const mute = createServer(socket => socket.destroy()).listen(join(folder, 'admin.sock'))
  await once(mute, 'listening')
  t.after(async () => {
    mute.close()
    await rm(folder, { recursive: true })
  })
  const { code, stderr } = await runLine('status', { program: new FakeProgram(), data: folder })
  assert.equal(code, 1)
  assert.match(stderr, /the server gave no answer/)
})

/** The operator's command as it is called, with the shell around it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'conexizan-'))
after(() => rmSync(folder, { recursive: true }))

function conexizan(args: readonly string[], command = resolve('bin/conexizan'), more: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, ...more }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, input: '', encoding: 'utf8', env })
  return { status, stdout, stderr }
}

test('the command answers from anywhere, through a link too', () => {
  assert.match(conexizan(['--version']).stdout, /^conexizan \d+\.\d+\.\d+\n$/)
  symlinkSync(resolve('bin/conexizan'), join(folder, 'link'))
  assert.deepEqual(conexizan(['--version'], join(folder, 'link')), conexizan(['--version']))
})

/** Writes what is loaded, a line each. */
const LISTEN = `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`

test('help is quick: of the server it loads nothing', () => {
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(LISTEN)}`, resolve('bin/entry.js'), '--help']
  const { status, stderr } = spawnSync(process.execPath, flags, { cwd: folder, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.match(stderr, /src\/cli\.ts$/m)
  assert.doesNotMatch(stderr, /src\/(main\.ts|core|modules|seal|storage|stream|xml)/)
})

test('mistakes end with 2 and a sentence on standard error', () => {
  assert.deepEqual(conexizan(['strat']), { status: 2, stdout: '', stderr: 'there is no command strat; did you mean start?\n' })
  assert.equal(conexizan(['user', 'add', 'alice', 'hunter2']).status, 2)
})

for (const option of ['--inspect', '--heapsnapshot-signal=SIGUSR2', '--tls-keylog=keys', '--report-on-signal', '--import=./spy.js']) {
  test(`there is no server with ${option}, which could lay open what it is told`, () => {
    const { status, stdout, stderr } = conexizan(['--version'], undefined, { NODE_OPTIONS: `--max-old-space-size=500 ${option}` })
    assert.deepEqual({ status, stdout }, { status: 78, stdout: '' })
    assert.match(stderr, new RegExp(`^NODE_OPTIONS has ${option}\\. `))
  })
}

test('the shell becomes the server, which keeps to itself', { skip: process.platform !== 'linux' }, async t => {
  const env = { ...process.env, NODE_DEBUG: 'tls', GLIBC_TUNABLES: 'glibc.malloc.arena_max=2', NODE_OPTIONS: '--max-old-space-size=500' }
  const child = spawn(resolve('bin/conexizan'), ['user', 'add', 'alice'], { cwd: folder, env }) // waits for a password
  t.after(() => child.kill('SIGKILL'))
  const read = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')
  while (!readlinkSync(`/proc/${child.pid}/exe`).endsWith('/node')) await wait(10)
  assert.match(read('cmdline'), /--disable-sigusr1\0--secure-heap=\d+\0/)
  assert.match(read('cmdline'), /--openssl-config=[^\0]*bin\/openssl\.cnf\0/)
  assert.match(read('limits'), /^Max core file size +0 /m)
  assert.equal(Number(read('coredump_filter')), 0)
  assert.match(read('environ'), /GLIBC_TUNABLES=glibc\.malloc\.perturb=90[:\0]glibc\.malloc\.arena_max=2\0/)
  assert.doesNotMatch(read('environ'), /NODE_DEBUG/)
  assert.match(read('status'), /^Umask:\s+0077$/m)
})

const SESSIONS_OF_ONE_HANDSHAKE = `
  import { once } from 'node:events'
  import { connect, createServer } from 'node:tls'
  import { Certificates } from '${pathToFileURL(resolve('src/net/certificates.ts'))}'
  const options = new Certificates([{ domain: 'here.example' }], '.').serverOptions()
  const server = createServer(options, socket => socket.end('after the tickets')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let sessions = 0
  const client = connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false })
  client.on('session', () => sessions++).resume()
  await once(client, 'end')
  console.log(client.getProtocol(), sessions)
  server.close()`

test('decision 0008: with what the command tells OpenSSL, no ticket follows the handshake', () => {
  const flags = [`--openssl-config=${resolve('bin/openssl.cnf')}`, '--input-type=module', '--eval', SESSIONS_OF_ONE_HANDSHAKE]
  const { stdout, stderr } = spawnSync(process.execPath, flags, { cwd: folder, encoding: 'utf8' })
  assert.equal(stdout, 'TLSv1.3 0\n', stderr)
})

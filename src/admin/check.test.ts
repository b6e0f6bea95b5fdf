import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { oneOf } from '../lib/settings.ts'
import { swap } from './check.ts'
import { commands } from './commands/index.ts'
import { defaultConfig, readConfig } from './config.ts'
import { FakeProgram, runLine } from './fixture.ts'
import { EX_CONFIG, OperatorError } from './operator-error.ts'
import { openAdminSocket } from './socket.ts'

const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
after(() => rm(folder, { recursive: true }))
const data = join(folder, 'data')
await mkdir(data, { mode: 0o700 })

const holder = createServer().listen(0, '127.0.0.1')
await once(holder, 'listening')
after(() => holder.close())
const { port: taken } = holder.address() as AddressInfo

const quiet = { addresses: ['127.0.0.1'], c2s: 0, c2sTls: false, s2s: false, s2sTls: false, https: false }
const MODULES = { registration: { mode: oneOf(['invite', 'open', 'closed'], '') } }
const checked = (program: FakeProgram, settings: object = {}) =>
  runLine('check', {
    program,
    data,
    loadConfig: async () => readConfig({ data, hosts: ['a.example'], listen: quiet, ...settings }, MODULES),
  })

test('where all is well, check says so line by line and ends with 0', async () => {
  const { code, stdout } = await checked(new FakeProgram())
  // Whether there is swap is the machine's affair.
  const hasSwap = swap(await readFile('/proc/swaps', 'utf8').catch(() => '')).length > 0
  assert.equal(code, hasSwap ? 1 : 0, stdout)
  const lines = stdout.replace(/^.* Memory may be written .*\n.*\n/gm, '').split('\n')
  assert.ok(
    lines.filter(Boolean).every(line => line.startsWith('✓ ')),
    stdout,
  )
})

test('swap on a disk is a warning, in compressed memory it is none', () => {
  const swaps = 'Filename\t\t\t\tType\t\tSize\n/dev/zram0   partition\t100\n/dev/sda2    partition\t200\n/swap file\t300\n'
  const found = swap(swaps)
  assert.deepEqual(
    found.map(({ level, sentence }) => [level, sentence.split(',')[0]]),
    [
      ['warning', 'Memory may be written to /dev/sda2'],
      ['warning', 'Memory may be written to /swap'],
    ],
  )
  assert.deepEqual(swap(''), [])
})

test('settings that cannot be used are a problem, and end the check', async () => {
  const loadConfig = async () => {
    throw new OperatorError('x.toml: data: must be text', EX_CONFIG)
  }
  const ran = await runLine('check', { program: new FakeProgram(), data, loadConfig })
  assert.deepEqual([ran.code, ran.stdout], [2, '✗ x.toml: data: must be text\n  → Correct the settings file.\n'])
})

test('what is wrong is told with what to do', async t => {
  const program = new FakeProgram()
  program.certificates = ['The certificate of a.example has expired.']
  program.isStoreBroken = true
  await chmod(data, 0o755)
  t.after(() => chmod(data, 0o700))
  const { code, stdout } = await checked(program, { listen: { ...quiet, c2s: taken } })
  assert.equal(code, 2)
  assert.match(stdout, /✗ Others on this machine can open the data folder .*\n {2}→ chmod 700/)
  assert.match(stdout, /✗ The certificate of a\.example has expired\.\n {2}→ /)
  assert.match(stdout, new RegExp(`✗ Another program uses 127\\.0\\.0\\.1:${taken}\\.\n {2}→ See which`))
  assert.match(stdout, /✗ the store is of a newer version\n {2}→ /)
})

test('a service that the certificate does not carry is a warning, where there are other servers', async () => {
  const program = new FakeProgram()
  program.gaps = ['conference.a.example']
  assert.match((await checked(program)).stdout, /! No certificate carries conference\.a\.example: .*\n {2}→ /)
  const alone = await checked(program, { host: { 'a.example': { federation: false } } })
  assert.doesNotMatch(alone.stdout, /conference/)
})

test('the secrets that open what is kept stand where no copy of the data takes them along', async () => {
  const { code, stdout } = await checked(new FakeProgram(), { seal: { secrets: join(data, 'secrets') } })
  assert.equal(code, 1)
  assert.match(stdout, /! The secrets in .* are inside the data folder.*\n {2}→ Name a folder elsewhere/)
  const open = join(folder, 'open')
  await mkdir(open, { mode: 0o755 })
  assert.match(
    (await checked(new FakeProgram(), { seal: { secrets: open } })).stdout,
    /✗ Others on this machine can open the folder of secrets/,
  )
  assert.match((await checked(new FakeProgram(), { seal: { level: 'memory' } })).stdout, /✓ Messages are kept only until the server stops/)
})

test('the way into the database is not for everyone to read', async () => {
  const file = join(data, 'conexizan.toml')
  const store = { engine: 'postgres', url: 'postgres://conexizan:opensesame@db.example/conexizan' }
  const loadConfig = async () => readConfig({ data, hosts: ['a.example'], listen: quiet, store }, {}, file)
  const situation = { program: new FakeProgram(), data, loadConfig }
  await writeFile(file, '', { mode: 0o644 })
  const { code, stdout } = await runLine('check', situation)
  assert.equal(code, 2)
  assert.match(stdout, /✗ Everyone on this machine can read the way into the database in the settings file\.\n {2}→ chmod o= /)
  assert.doesNotMatch(stdout, /opensesame/)
  await chmod(file, 0o640)
  assert.equal((await runLine('check', situation)).code, 0)
})

test('the secrets of components are not for everyone to read, and what they say is not encrypted', async () => {
  const file = join(data, 'conexizan.toml')
  const component = { 'irc.a.example': { secret: '0123456789abcdef' } }
  const looked = async (at: string) => {
    const loadConfig = async () => readConfig({ data, hosts: ['a.example'], listen: { ...quiet, component: [at] }, component }, {}, file)
    return runLine('check', { program: new FakeProgram(), data, loadConfig })
  }
  await writeFile(file, '', { mode: 0o640 })
  await chmod(file, 0o644)
  const { code, stdout } = await looked('127.0.0.1:0')
  assert.equal(code, 2)
  assert.match(stdout, /✗ Everyone on this machine can read the secrets of components in the settings file\.\n {2}→ chmod o= /)
  assert.doesNotMatch(stdout, /0123456789abcdef|encryption/)
  await chmod(file, 0o640)
  assert.equal((await looked('127.0.0.1:0')).code, 0)
  const open = await looked('0.0.0.0:0')
  assert.equal(open.code, 1)
  assert.match(open.stdout, /! Components come to 0\.0\.0\.0:0 without encryption\./)
})

test('the port of components is looked at where there are some', async () => {
  const listen = { ...quiet, component: taken }
  assert.doesNotMatch((await checked(new FakeProgram(), { listen })).stdout, new RegExp(`:${taken}`))
  const component = { 'irc.a.example': { secret: '0123456789abcdef' } }
  const { stdout } = await checked(new FakeProgram(), { listen, component })
  assert.match(stdout, new RegExp(`✗ Another program uses 127\\.0\\.0\\.1:${taken}\\.`))
})

test('registration open to everyone is something to look at', async () => {
  const { code, stdout } = await checked(new FakeProgram(), { modules: { registration: { mode: 'open' } } })
  assert.equal(code, 1)
  assert.match(stdout, /! Everyone may make accounts here/)
})

test('domains that need no certificate are named', async () => {
  const s2s = { exceptions: ['old.example'], pins: { 'friend.example': ['ab'.repeat(32)] } }
  const { code, stdout } = await checked(new FakeProgram(), { listen: quiet, s2s })
  assert.equal(code, 1)
  assert.match(stdout, /! old\.example is believed without a certificate/)
  assert.match(stdout, /✓ friend\.example is believed by the certificate that s2s\.pins names\./)
})

test('a port that our own server holds is no problem, and its store is left alone', async t => {
  const program = new FakeProgram()
  const socket = await openAdminSocket(data, commands, program.context(defaultConfig({}, data)), () => {})
  t.after(() => socket.close())
  const { code, stdout } = await checked(program, { listen: { ...quiet, c2s: taken } })
  assert.equal(code, 0, stdout)
  assert.match(stdout, /✓ A server runs and answers\./)
  assert.equal(program.opened, 0)
})

test('a clock that has jumped ahead is a problem, until the operator confirms it', async t => {
  const program = new FakeProgram()
  program.isHalted = true
  const socket = await openAdminSocket(data, commands, program.context(defaultConfig({}, data)), () => {})
  t.after(() => socket.close())
  const halted = await checked(program, { listen: { ...quiet, c2s: taken } })
  assert.equal(halted.code, 2)
  assert.match(halted.stdout, /✗ The clock is more than two days ahead .*\n.*conexizan clock confirm/)
  const confirmed = await runLine('clock confirm --yes', { program, data })
  assert.match(confirmed.stderr + confirmed.stdout, /It is \d{4}-/)
  assert.equal((await checked(program, { listen: { ...quiet, c2s: taken } })).code, 0)
})

test('check writes JSON for programs', async () => {
  const program = new FakeProgram()
  const ran = await runLine('check --json', {
    program,
    data,
    loadConfig: async () => readConfig({ data, hosts: ['a.example'], listen: quiet }, {}),
  })
  const findings: { level: string; sentence: string }[] = JSON.parse(ran.stdout)
  assert.ok(findings.every(({ level, sentence }) => level === 'fine' && sentence.endsWith('.')))
})

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { commands } from './commands/index.ts'
import { FakeProgram, runLine } from './fixture.ts'
import { commandsPage, commonFlags } from './help.ts'
import { EX_CONFIG, OperatorError } from './operator-error.ts'
import { usageOf } from './registry.ts'

const data = await mkdtemp(join(tmpdir(), 'conexizan-'))
after(() => rm(data, { recursive: true }))

test('an account is made with a password from standard input', async () => {
  const program = new FakeProgram()
  const ran = await runLine('user add alice@localhost', { program, data, stdin: 'correct horse\nignored\n' })
  assert.deepEqual(ran, { code: 0, stdout: '', stderr: 'alice@localhost can log in now.\n' })
  assert.equal(program.passwords.get('alice@localhost'), 'correct horse')
  assert.deepEqual([program.opened, program.closed], [1, 1])
})

test('at a terminal the password is asked for twice and not shown', async () => {
  const program = new FakeProgram()
  const ran = await runLine('user add alice', {
    program,
    data,
    isTTY: true,
    stdin: 'hurse\x7f\x7f\x7f\x7forse\rhorse\r'.replace('\r', '\r\n').replace(/\r$/, '\r\n'),
  })
  assert.equal(ran.code, 0, ran.stderr)
  assert.equal(ran.stderr, 'New password: <hidden><shown>\nOnce more: <hidden><shown>\nalice@localhost can log in now.\n')
  assert.equal(program.passwords.get('alice@localhost'), 'horse')
})

test('two passwords that differ change nothing, nor does control-c', async () => {
  const program = new FakeProgram()
  assert.equal((await runLine('user add alice', { program, data, isTTY: true, stdin: 'horse\nhouse\n' })).code, 1)
  assert.equal((await runLine('user add alice', { program, data, isTTY: true, stdin: 'hor\x03' })).code, 130)
  assert.equal(program.passwords.size, 0)
})

for (const line of [
  'user add alice hunter2',
  'user add alice --password hunter2',
  'user password alice --password=hunter2',
  'user add alice -p hunter2',
]) {
  test(`a password on the command line is refused, and not repeated: ${line}`, async () => {
    const program = new FakeProgram()
    const { code, stdout, stderr } = await runLine(line, { program, data, stdin: 'x\n' })
    assert.equal(code, 2)
    assert.match(stderr, /does not belong on the command line/)
    assert.doesNotMatch(stdout + stderr, /hunter2/)
    assert.equal(program.passwords.size, 0)
  })
}

test('without a password nothing is done', async () => {
  const ran = await runLine('user add alice', { program: new FakeProgram(), data })
  assert.deepEqual(ran, { code: 2, stdout: '', stderr: 'the password must be the first line of standard input\n' })
})

test('accounts are listed, given new passwords and removed', async () => {
  const program = new FakeProgram(['a.example', 'b.example'])
  program.passwords.set('alice@a.example', 'x').set('bob@b.example', 'y')
  const situation = { program, data, stdin: 'new\n' }
  assert.equal((await runLine('user list', situation)).stdout, 'alice@a.example\nbob@b.example\n')
  assert.equal((await runLine('user list b.example --json', situation)).stdout, '["bob@b.example"]\n')
  assert.equal((await runLine('user password bob@b.example', situation)).code, 0)
  assert.equal(program.passwords.get('bob@b.example'), 'new')
  assert.equal((await runLine('user retention bob@b.example', situation)).stdout, '7d\n')
  assert.equal((await runLine('user retention bob@b.example relay', situation)).stdout, 'relay\n')
  assert.equal((await runLine('user retention bob@b.example 30d', situation)).stderr, '30d cannot be chosen here; there are: relay, 7d\n')
  assert.equal((await runLine('user retention eve@b.example', situation)).stderr, 'there is no account eve@b.example\n')
  assert.equal((await runLine('user retention eve@b.example 7d', situation)).stderr, 'there is no account eve@b.example\n')
  assert.equal((await runLine('user retention bob@b.example', situation)).stdout, 'relay\n')
  assert.equal((await runLine('user remove bob@b.example --yes', situation)).stderr, 'bob@b.example is gone.\n')
  assert.deepEqual([...program.passwords.keys()], ['alice@a.example'])
})

test('what cannot be undone is asked about', async () => {
  const program = new FakeProgram()
  program.passwords.set('alice@localhost', 'x')
  assert.equal((await runLine('user remove alice', { program, data })).code, 2)
  assert.equal((await runLine('user remove alice', { program, data, isTTY: true, stdin: '\n' })).code, 1)
  assert.equal(program.passwords.size, 1)
  assert.equal((await runLine('user remove alice', { program, data, isTTY: true, stdin: 'y\n' })).code, 0)
  assert.equal(program.passwords.size, 0)
})

for (const [line, code, sentence] of [
  ['user add root', 1, 'this name is not allowed'],
  ['user add alice@elsewhere', 1, 'elsewhere is not served here; there are: localhost'],
  ['user add alice@locahlost', 1, 'locahlost is not served here; did you mean localhost?'],
  ['user add @localhost', 2, '@localhost is not an address such as alice@localhost'],
  ['user add', 2, 'user add needs <address>: Such as alice@example.org, or alice alone where one domain is served.'],
  ['user password bob', 1, 'there is no account bob@localhost'],
  ['user list localhost more', 2, 'user list takes no "more"'],
  ['usr add alice', 2, 'there is no command usr; did you mean user add?'],
  ['user ad alice', 2, 'there is no command user ad; did you mean user add?'],
  ['user', 2, 'there is no command user; there are: user add, user list, user password, user remove, user retention'],
  ['strat', 2, 'there is no command strat; did you mean start?'],
  ['user list --jsn', 2, '--jsn is not known; did you mean --json?'],
  ['user list --json=3', 2, '--json takes no value'],
  ['user list --config', 2, '--config needs a value'],
  ['invite create --expires 90d', 2, '--expires must be a span of time such as 12h or 7d, at most 28d'],
  ['user list --expires 7d', 2, '--expires is not known; there are: --config, --json, --quiet, --yes, --help, --version'],
  ['status', 1, 'no server runs on this data folder; `conexizan start` starts one'],
  ['serve', EX_CONFIG, 'there is no settings file; name one with --config, or try `conexizan start`'],
] as const) {
  test(`${line}: ${sentence}`, async () => {
    assert.deepEqual(await runLine(line, { program: new FakeProgram(), data, stdin: 'x\n' }), { code, stdout: '', stderr: `${sentence}\n` })
  })
}

test('where several domains are served, the address must be whole', async () => {
  const program = new FakeProgram(['a.example', 'b.example'])
  const { code, stderr } = await runLine('user add alice', { program, data, stdin: 'x\n' })
  assert.deepEqual([code, stderr], [2, 'several domains are served here; write alice@a.example or alice@b.example\n'])
})

test('a name that is taken is told, with what to do', async () => {
  const program = new FakeProgram()
  program.passwords.set('alice@localhost', 'x')
  const { code, stderr } = await runLine('user add alice', { program, data, stdin: 'y\n' })
  assert.equal(code, 1)
  assert.match(stderr, /exists already; for a new password: conexizan user password alice@localhost/)
  assert.equal(program.passwords.get('alice@localhost'), 'x')
})

test('an invitation is a link on standard output', async () => {
  const program = new FakeProgram()
  const ran = await runLine('invite create --expires 7d --name bob', { program, data })
  assert.deepEqual(ran, {
    code: 0,
    stdout: 'xmpp:bob@localhost?register;preauth=t0\n',
    stderr: 'Good for one account, until 1970-01-08T00:00:00.000Z.\n',
  })
  assert.equal((await runLine('invite create --quiet', { program, data })).stderr, '')
  const json = JSON.parse((await runLine('--json invite create', { program, data })).stdout)
  assert.deepEqual(json, { token: 't0', uri: 'xmpp:localhost?register;preauth=t0', expiresAt: '1970-01-02T00:00:00.000Z' })
})

test('start serves until it is stopped, and says where', async () => {
  assert.deepEqual(await runLine('start', { program: new FakeProgram(), data }), {
    code: 0,
    stdout: '',
    stderr: 'Listening on 127.0.0.1:5222.\n',
  })
})

test('settings that cannot be used and a store that cannot be opened end with 78', async () => {
  const program = new FakeProgram()
  const loadConfig = async () => {
    throw new OperatorError('x.toml: data: must be text', EX_CONFIG)
  }
  assert.equal((await runLine('user list', { program, data, loadConfig })).code, EX_CONFIG)
  program.isStoreBroken = true
  assert.equal((await runLine('user list', { program, data })).code, EX_CONFIG)
})

test('help and version need neither settings nor program', async () => {
  const situation = {
    program: new FakeProgram(),
    data,
    loadProgram: () => assert.fail('the program was loaded'),
    loadConfig: () => assert.fail('the settings were read'),
  }
  const { code, stdout } = await runLine('', situation)
  assert.equal(code, 0)
  for (const command of commands) assert.ok(stdout.includes(usageOf(command)))
  assert.equal((await runLine('--help', situation)).stdout, stdout)
  assert.match((await runLine('user add --help', situation)).stdout, /^conexizan user add <address>\n/)
  assert.equal((await runLine('-V', situation)).stdout, 'conexizan 1.2.3\n')
})

test('every flag has one meaning, whatever the command', () => {
  const all = commands.flatMap(({ flags }) => Object.entries(flags))
  for (const [name, { value }] of all) {
    assert.ok(!(name in commonFlags), name)
    for (const [other, flag] of all) if (other === name) assert.equal(flag.value, value, name)
  }
})

test('the page of commands has a section for each', () => {
  const page = commandsPage(commands)
  for (const { name } of commands) assert.ok(page.includes(`## ${name.join(' ')}\n`))
})

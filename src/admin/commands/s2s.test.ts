import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultConfig } from '../config.ts'
import { FakeProgram, type Ran, runLine } from '../fixture.ts'
import { openAdminSocket } from '../socket.ts'
import { commands } from './index.ts'

async function ask(words: string): Promise<Ran> {
  const data = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const program = new FakeProgram()
  program.acquaintances = [
    {
      domain: 'there.example',
      connections: [{ direction: 'both', proof: 'pkix', tls: '1.3', unacknowledged: 2 }],
      waiting: 0,
      failure: undefined,
    },
    { domain: 'gone.example', connections: [], waiting: 3, failure: 'no connection could be made' },
  ]
  const socket = await openAdminSocket(data, commands, program.context(defaultConfig({}, data)), () => {})
  try {
    return await runLine(words, { program, data })
  } finally {
    await socket.close()
    await rm(data, { recursive: true })
  }
}

test('s2s list shows connections, what waits, and why a domain cannot be reached', async () => {
  const { code, stdout } = await ask('s2s list')
  assert.equal(code, 0)
  assert.equal(
    stdout,
    'there.example\n  in and out, TLS 1.3, proved by pkix, 2 not acknowledged\ngone.example\n  3 waiting\n  not reached: no connection could be made\n',
  )
})

test('s2s ping says whether the other server answers, and else why not', async () => {
  const { code, stderr } = await ask('s2s ping there.example')
  assert.deepEqual([code, stderr.trim()], [0, 'there.example answers.'])
  const { code: failed, stderr: why } = await ask('s2s ping nowhere.example')
  assert.deepEqual([failed, why.trim()], [1, 'nowhere.example cannot be reached: it does not exist.'])
  assert.match((await ask('s2s ping a/b')).stderr, /a\/b is not a domain/)
})

test('s2s close tells whether there was something to close', async () => {
  assert.equal((await ask('s2s close there.example')).code, 0)
  assert.equal((await ask('s2s close other.example')).code, 1)
})

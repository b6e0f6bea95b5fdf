import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { askSecret, bold } from './terminal.ts'

const terminal = (stdin: PassThrough, env = {}, isTTY = false) => ({
  stdin,
  stdout: { isTTY, write() {} },
  stderr: { isTTY, write() {} },
  env,
})

for (const [env, isTTY, isBold] of [
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ TERM: 'dumb' }, true, false],
] as const) {
  test(`bold is ${isBold ? 'on' : 'off'} with ${JSON.stringify(env)} ${isTTY ? 'at a terminal' : 'in a file'}`, () => {
    const { stdout, ...rest } = terminal(new PassThrough(), env, isTTY)
    assert.equal(bold({ stdout, ...rest }, stdout)('x') !== 'x', isBold)
  })
}

test('a password may come in pieces, and letters in pieces of bytes', async () => {
  const stdin = new PassThrough()
  const bytes = Buffer.from('pässwörd\nmore')
  for (const byte of bytes) stdin.write(Buffer.of(byte))
  assert.equal(await askSecret(terminal(stdin), 'password'), 'pässwörd')
})

test('a line without end is given up', async () => {
  const stdin = new PassThrough()
  stdin.write('x'.repeat(10_000))
  await assert.rejects(askSecret(terminal(stdin), 'password'), /too long/)
})

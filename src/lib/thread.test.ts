import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { startThread } from './thread.ts'

const FIXTURE = new URL('./thread.fixture.ts', import.meta.url)

test('a thread is given its data, and once its program is cached does not load what strips types, which takes 20 MiB', async () => {
  const first = startThread(FIXTURE)
  await once(first, 'message')
  await once(first, 'exit')

  const second = startThread(FIXTURE, 'a path')
  const [said] = await once(second, 'message')
  assert.deepEqual(said, { data: 'a path', isStripping: false })
})

test('a thread whose program cannot be found says so', async () => {
  const [error] = await once(startThread(new URL('./no-such-program.ts', import.meta.url)), 'error')
  assert.match(String(error), /no-such-program/)
})

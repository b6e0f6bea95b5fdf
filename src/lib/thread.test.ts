import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Thread } from './thread.ts'

type Answer = { readonly request: string; readonly isStripping: boolean }

const begin = (kept: number): Thread<string, Answer> => new Thread(new URL('./thread.fixture.ts', import.meta.url), kept)

test('requests are answered in their order, also those that come before the thread has begun', async () => {
  const thread = begin(1_000)
  const answers = await Promise.all(['a', 'b', 'c'].map(request => thread.ask(request)))
  assert.deepEqual(
    answers.map(({ request }) => request),
    ['a', 'b', 'c'],
  )
  thread.end()
})

test('a request that fails tells its own asker why, and the next one is answered', async () => {
  const thread = begin(1_000)
  const failing = thread.ask('fail')
  const next = thread.ask('next')
  await assert.rejects(failing, /it failed/)
  assert.equal((await next).request, 'next')
  thread.end()
})

test('what comes after the end is refused, and begins nothing', async () => {
  const thread = begin(1_000)
  await thread.ask('a')
  thread.end()
  await assert.rejects(thread.ask('b'), /ended/)
})

test('once its program is cached, a thread does not load what strips types, which takes 20 MiB', async () => {
  const thread = begin(0)
  await thread.ask('written to the cache at its end')
  await wait(500)
  assert.equal((await thread.ask('again')).isStripping, false)
})

test('a program that cannot be found is told', async () => {
  const thread = new Thread(new URL('./no-such-program.ts', import.meta.url), 0)
  await assert.rejects(thread.ask('anything'), /no-such-program/)
})

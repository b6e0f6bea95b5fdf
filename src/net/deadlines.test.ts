import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadlines } from './deadlines.ts'

test('what is late is told once and in order; what was deleted is not', async t => {
  // The timer of deadlines keeps no process alive, so something else must.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  const expired = await new Promise<string[]>(resolve => {
    const names: string[] = []
    const deadlines = new Deadlines<string>(5, name => {
      names.push(name)
      if (name === 'last') resolve(names)
    })
    for (const name of ['again', 'first', 'saved', 'again', 'last']) deadlines.add(name)
    deadlines.delete('saved')
    assert.equal(deadlines.size, 3)
  })
  assert.deepEqual(expired, ['first', 'again', 'last'])
})

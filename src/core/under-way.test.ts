import assert from 'node:assert/strict'
import { story } from '../../test/story.ts'

story('DESIGN law 10: who writes faster than it is taken waits for the one who takes it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const gate = Promise.withResolvers<void>()
  const held = juliet.session.account.turn.take(() => gate.promise)
  let taken = 0
  const send = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      await romeo.gives(`<message type="headline" to="juliet@here.example"><body>${i}</body></message>`)
      taken++
    }
  }
  const sent = send()
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(taken, 63)
  gate.resolve()
  await Promise.all([held, sent])
  await world.settled()
  assert.deepEqual(
    juliet.unread.splice(0).map(message => Number(message.first()!.text)),
    Array.from({ length: 200 }, (_, i) => i),
  )
})

story('two who write to each other at the same time do not wait for each other', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const writes = async (client: typeof romeo, to: string): Promise<void> => {
    for (let i = 0; i < 300; i++) await client.gives(`<message type="chat" to="${to}@here.example"><body>${i}</body></message>`)
  }
  await Promise.all([writes(romeo, 'juliet'), writes(juliet, 'romeo')])
  await world.settled()
  for (const client of [romeo, juliet]) assert.equal(client.unread.splice(0).length, 300)
})

import assert from 'node:assert/strict'
import { ask, JULIET, ROMEO, say } from '../../../test/archive-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { namespace } from '../../xml/element.ts'

const RETRACT = 'urn:xmpp:message-retract:1'
const Retraction = namespace<'retracted'>(RETRACT)
const TYBALT = 'tybalt@there.example'

const takeBack = (to: string, id: string, by = `id="r-${id}"`): string =>
  `<message type="chat" to="${to}" ${by}><retract xmlns="${RETRACT}" id="${id}"/><store xmlns="urn:xmpp:hints"/></message>`

/** Bodies, `†` for a tombstone, `r` for what takes something back. */
async function kept(client: Client): Promise<string> {
  const { messages, bodies } = await ask(client)
  return messages
    .map((message, i) => {
      if (message.child(Retraction, 'retracted') !== undefined) return '†'
      return String(message).includes(`<retract `) ? 'r' : bodies[i]
    })
    .join('')
}

story('XEP-0424 §4: in both archives a tombstone takes the place of what its author has taken back', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  for (const body of ['1', '2', '3']) await romeo.sends(say(JULIET, body))
  await world.later(60_000)
  await romeo.sends(takeBack(JULIET, 'm-2'))
  juliet.forget()
  const { messages, ids, times } = await ask(juliet)
  assert.equal(
    String(messages[1]),
    String(
      `<message xmlns='jabber:client' from='${ROMEO}/phone' to='${JULIET}' type='chat' id='m-2'><retracted xmlns='${RETRACT}' id='r-m-2' stamp='2026-01-01T00:01:00.000Z'/></message>`,
    ),
  )
  assert.equal(times[1], Date.UTC(2026, 0, 1))
  assert.equal(new Set(ids).size, 4)
  assert.equal(await kept(juliet), '1†3r')
  assert.equal(await kept(romeo), '1†3r')
  assert.deepEqual((await ask(juliet, { fields: { with: ROMEO } })).messages.length, 4)
  assert.deepEqual((await ask(juliet, { fields: { ids: ids[1]! } })).ids, [ids[1]])
})

story('XEP-0424 §5: nobody takes back what another one wrote', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await romeo.sends(say(JULIET, '1', '', 'same'))
  await world.arrives(takeBack(JULIET, 'same').replace('<message ', `<message from="${TYBALT}/x" `))
  await juliet.sends(takeBack(ROMEO, 'same'))
  for (const client of [romeo, juliet]) client.forget()
  assert.equal(await kept(juliet), '1rr')
  assert.equal(await kept(romeo), '1r')
  await romeo.sends(takeBack(JULIET, 'same'))
  juliet.forget()
  assert.equal(await kept(juliet), '†rrr')
})

story('XEP-0424 §5: from another of its author’s devices it is taken back as well', async world => {
  const juliet = await world.online('juliet')
  await world.arrives(say(JULIET, '1').replace('<message ', `<message from="${TYBALT}/street" `))
  await world.arrives(takeBack(JULIET, 'm-1').replace('<message ', `<message from="${TYBALT}/home" `))
  juliet.forget()
  assert.equal(await kept(juliet), '†r')
})

story(
  'XEP-0424 §4: without an id there is nothing that a tombstone could name; in a room another one may have the address',
  async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    await romeo.sends(say(JULIET, '1'))
    await romeo.sends(takeBack(JULIET, 'm-1', ''))
    const x = '<x xmlns="http://jabber.org/protocol/muc#user"/>'
    const occupant = 'room@rooms.example/tybalt'
    await world.arrives(say(JULIET, '2', x).replace('<message ', `<message from="${occupant}" `))
    await world.arrives(
      takeBack(JULIET, 'm-2').replace('<message ', `<message from="${occupant}" `).replace('</message>', `${x}</message>`),
    )
    juliet.forget()
    assert.equal(await kept(juliet), '1r2r')
  },
)

story('XEP-0424 §5: what is taken back while its reader is away is gone when she reads', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await romeo.sends(say(JULIET, '1'))
  juliet.forget()
  await juliet.leaves()
  await romeo.sends(say(JULIET, '2'))
  for (const id of ['m-1', 'm-2']) await romeo.sends(takeBack(JULIET, id))
  world.restarts()
  const again = await world.connect('juliet')
  assert.equal(await kept(again), '††rr')
  assert.equal(await kept(again), '††rr')
})

story('what takes something back cannot be taken back', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await romeo.sends(say(JULIET, '1'))
  await romeo.sends(takeBack(JULIET, 'm-1'))
  await romeo.sends(takeBack(JULIET, 'r-m-1'))
  await romeo.sends(takeBack(JULIET, 'unknown'))
  juliet.forget()
  assert.equal(await kept(juliet), '†rrr')
})

story(
  'who takes back much at once, or what is not there, keeps nobody waiting; the rest is dealt with when its reader asks',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    for (let i = 0; i < 15; i++) await romeo.sends(say(JULIET, `${i}`))
    for (let i = 0; i < 15; i++) await romeo.sends(takeBack(JULIET, `m-${i}`))
    juliet.forget()
    const waiting = await world.store.all(sql`SELECT ord FROM archive_retraction WHERE account = 'juliet'`)
    assert.equal(waiting.length, 5)
    assert.equal(await kept(juliet), '†'.repeat(15) + 'r'.repeat(15))
    assert.deepEqual(await world.store.all(sql`SELECT ord FROM archive_retraction WHERE account = 'juliet'`), [])
  },
)

story('XEP-0308 §3: with a message go those that correct it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const corrects = (id: string): string => `<replace xmlns="urn:xmpp:message-correct:0" id="${id}"/>`
  await romeo.sends(say(JULIET, '1'))
  await romeo.sends(say(JULIET, '2'))
  await romeo.sends(say(JULIET, '3', corrects('m-1')))
  await romeo.sends(say(JULIET, '4', corrects('m-2')))
  await juliet.sends(say(ROMEO, '5', corrects('m-1')))
  await romeo.sends(say(JULIET, '6', corrects('m-1'), 'm-1'))
  await romeo.sends(takeBack(JULIET, 'm-1'))
  for (const client of [romeo, juliet]) client.forget()
  for (const client of [romeo, juliet]) assert.equal(await kept(client), '†2†45†r')
  await romeo.sends(takeBack(JULIET, 'm-2'))
  await romeo.sends(takeBack(JULIET, 'm-1', 'id="again"'))
  juliet.forget()
  assert.equal(await kept(juliet), '††††5†rrr')
  const { messages } = await ask(juliet)
  assert.deepEqual([messages[0]!.child(Retraction, 'retracted')!.attrs['id'], messages[2]!.attrs['id']], ['r-m-1', 'm-3'])
})

story('of messages with one id the newest before the retraction goes', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  for (const body of ['1', '2']) await romeo.sends(say(JULIET, body, '', 'same'))
  await romeo.sends(takeBack(JULIET, 'same'))
  await romeo.sends(say(JULIET, '3', '', 'same'))
  juliet.forget()
  assert.equal(await kept(juliet), '1†r3')
})

story('a stranger’s message is looked for a short way back, those of others far', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(romeo, juliet)
  const mercutio = 'mercutio@there.example'
  for (const from of [TYBALT, mercutio]) await world.arrives(say(JULIET, '1').replace('<message ', `<message from="${from}/x" `))
  await juliet.sends(say(ROMEO, '2'))
  await romeo.sends(say(JULIET, '3'))
  const takesBack = (from: string): Promise<void> =>
    world.arrives(takeBack(JULIET, 'm-1').replace('<message ', `<message from="${from}/x" `))
  await takesBack(mercutio)
  for (let i = 0; i < 33; i++) {
    await world.later(31 * 60_000)
    await romeo.sends(say(JULIET, '.'))
  }
  await takesBack(TYBALT)
  await juliet.sends(takeBack(ROMEO, 'm-2'))
  await romeo.sends(takeBack(JULIET, 'm-3'))
  for (const client of [romeo, juliet]) client.forget()
  assert.equal((await kept(juliet)).replaceAll('.', ''), '1†††rrrr')
})

story('what strangers take back while a user is away leaves room for what others do', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(romeo, juliet)
  await romeo.sends(say(JULIET, '1'))
  juliet.forget()
  await juliet.leaves()
  for (let i = 0; i < 60; i++) await world.arrives(takeBack(JULIET, `${i}`).replace('<message ', `<message from="${TYBALT}/x" `))
  await romeo.sends(takeBack(JULIET, 'm-1'))
  romeo.forget()
  const waiting = await world.store.all(sql`SELECT ord FROM archive_retraction WHERE account = 'juliet'`)
  assert.equal(waiting.length, 51)
  assert.equal((await kept(await world.connect('juliet'))).replaceAll('r', ''), '†')
})

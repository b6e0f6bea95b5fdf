import assert from 'node:assert/strict'
import { type Client, story } from '../../test/story.ts'
import { sql } from '../storage/db.ts'

const get = (to = ''): string => `<iq type="get" id="v1"${to && ` to="${to}@here.example"`}><vCard xmlns="vcard-temp"/></iq>`
const set = (name: string): string => `<iq type="set" id="v2"><vCard xmlns="vcard-temp"><FN>${name}</FN></vCard></iq>`
const card = (name: string): string => `<iq type="result" id="v1"><vCard xmlns="vcard-temp"><FN>${name}</FN></vCard></iq>`

async function publishes(client: Client, name: string): Promise<void> {
  await client.sends(set(name))
  client.receives('<iq type="result" id="v2"/>')
}

story('XEP-0054 §3.1 and §3.2: a user writes and reads the own card', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(get())
  romeo.receivesError('v1', 'item-not-found')
  for (const name of ['Romeo', 'Romeo Montague']) await publishes(romeo, name)
  await romeo.sends(get())
  romeo.receives(card('Romeo Montague'))
})

story('XEP-0054 §3.3: who may see the presence of the user may read the card', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await publishes(romeo, 'Romeo')
  await juliet.sends(get('romeo'))
  juliet.receives(card('Romeo'))
})

story('XEP-0054 §3.3: no card, no right and no account look the same', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  await world.befriend(juliet, tybalt)
  await publishes(romeo, 'Romeo')
  for (const account of ['romeo', 'tybalt', 'nobody']) {
    await juliet.sends(get(account))
    juliet.receivesError('v1', 'service-unavailable')
  }
})

story('XEP-0054 §3.2: nobody writes the card of somebody else', async world => {
  const romeo = await world.connect('romeo')
  const juliet = await world.connect('juliet')
  await publishes(romeo, 'Romeo')
  await juliet.sends(set('Fool').replace('<iq', '<iq to="romeo@here.example"'))
  juliet.receivesError('v2', 'service-unavailable')
  await romeo.sends(get())
  romeo.receives(card('Romeo'))
})

story(
  'the operator may open cards to everyone',
  async world => {
    const romeo = await world.connect('romeo')
    const juliet = await world.connect('juliet')
    await publishes(romeo, 'Romeo')
    await juliet.sends(get('romeo'))
    juliet.receives(card('Romeo'))
  },
  { settings: { vcard: { access: 'everyone' } } },
)

story(
  'or keep them to their owners',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    await world.befriend(romeo, juliet)
    await publishes(romeo, 'Romeo')
    await juliet.sends(get('romeo'))
    juliet.receivesError('v1', 'service-unavailable')
  },
  { settings: { vcard: { access: 'nobody' } } },
)

story(
  'a card that is too large is refused, and the old one stays',
  async world => {
    const romeo = await world.connect('romeo')
    await publishes(romeo, 'Romeo')
    await romeo.sends(set('x'.repeat(1024)))
    romeo.receivesError('v2', 'policy-violation')
    await romeo.sends(get())
    romeo.receives(card('Romeo'))
  },
  { settings: { vcard: { largest: '1KiB' } } },
)

story('the card goes with the account', async world => {
  await publishes(await world.connect('romeo'), 'Romeo')
  await world.host.life.remove('romeo')
  assert.deepEqual(await world.store.all(sql`SELECT * FROM vcard`), [])
})

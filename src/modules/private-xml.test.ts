import assert from 'node:assert/strict'
import { type Client, story } from '../../test/story.ts'
import { sql } from '../storage/db.ts'

const set = (xml: string): string => `<iq type="set" id="s1"><query xmlns="jabber:iq:private">${xml}</query></iq>`
const get = (xml: string): string => `<iq type="get" id="g1"><query xmlns="jabber:iq:private">${xml}</query></iq>`
const PREFS = '<exodus xmlns="exodus:prefs"/>'
const prefs = (nick: string): string => `<exodus xmlns="exodus:prefs"><defaultnick>${nick}</defaultnick></exodus>`

async function keeps(client: Client, xml: string): Promise<void> {
  await client.sends(set(xml))
  client.receives('<iq type="result" id="s1"/>')
}
async function finds(client: Client, asked: string, found: string): Promise<void> {
  await client.sends(get(asked))
  const query = client.receives(`<iq type="result" id="g1"><query xmlns="jabber:iq:private">${found}</query></iq>`).first()!
  assert.equal(query.elements().length, 1)
  if (!found.includes('<', 1)) assert.deepEqual(query.first()!.children, [])
}

story('XEP-0049 §2.3: what a client keeps it gets back, and so do the other devices', async world => {
  const phone = await world.connect('hamlet', 'phone')
  const laptop = await world.connect('hamlet', 'laptop')
  await finds(phone, prefs('what I seek'), PREFS)
  await keeps(phone, prefs('Hamlet'))
  await finds(laptop, PREFS, prefs('Hamlet'))
  await keeps(laptop, `${prefs('Prince')}<notes xmlns="urn:example:notes">a</notes>`)
  await finds(phone, PREFS, prefs('Prince'))
  await finds(phone, '<notes xmlns="urn:example:notes"/>', '<notes xmlns="urn:example:notes">a</notes>')
})

story('what was emptied is not kept', async world => {
  const hamlet = await world.connect('hamlet')
  await keeps(hamlet, prefs('Hamlet'))
  await keeps(hamlet, PREFS)
  await finds(hamlet, PREFS, PREFS)
  assert.deepEqual(await world.store.all(sql`SELECT * FROM sealed_document`), [])
})

story('XEP-0049 §2.3: nobody else reads or writes it', async world => {
  const hamlet = await world.connect('hamlet')
  const macbeth = await world.connect('macbeth')
  await keeps(hamlet, prefs('Hamlet'))
  for (const request of [get(PREFS), set(prefs('Macbeth'))]) {
    await macbeth.sends(request.replace('<iq', '<iq to="hamlet@here.example"'))
    macbeth.receivesError(request === get(PREFS) ? 'g1' : 's1', 'service-unavailable')
  }
  await finds(macbeth, PREFS, PREFS)
  await finds(hamlet, PREFS, prefs('Hamlet'))
})

story('XEP-0049 §2.3: requests for nothing, for several and for no namespace are refused', async world => {
  const hamlet = await world.connect('hamlet')
  const refused = [
    [set(''), 's1', 'not-acceptable'],
    [set('<exodus/>'), 's1', 'not-acceptable'],
    [get(''), 'g1', 'bad-request'],
    [get(PREFS + PREFS), 'g1', 'bad-request'],
    [get('<exodus/>'), 'g1', 'not-acceptable'],
  ] as const
  for (const [request, id, condition] of refused) {
    await hamlet.sends(request)
    hamlet.receivesError(id, condition)
  }
})

story(
  'who would keep too much keeps what was there before',
  async world => {
    const hamlet = await world.connect('hamlet')
    await keeps(hamlet, prefs('Hamlet'))
    for (const xml of [prefs('x'.repeat(1100)), `${prefs('Prince')}<a xmlns="urn:a">1</a><b xmlns="urn:b">2</b>`]) {
      await hamlet.sends(set(xml))
      hamlet.receivesError('s1', 'resource-constraint')
    }
    await finds(hamlet, PREFS, prefs('Hamlet'))
  },
  { settings: { 'private-xml': { most: 2, largest: '1KiB' } } },
)

story('it goes with the account', async world => {
  await keeps(await world.connect('hamlet'), prefs('Hamlet'))
  await world.host.life.remove('hamlet')
  assert.deepEqual(await world.store.all(sql`SELECT * FROM sealed_document`), [])
})

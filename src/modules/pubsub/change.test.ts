import assert from 'node:assert/strict'
import { listens } from '../../../test/personal-events.ts'
import { ask, conditionOf, createXml, gets, own, publishXml } from '../../../test/pubsub-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { pubsub } from './pubsub.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const Test = namespace<'x'>('urn:example:x')

const payload = (text: string): Element => Test('x', {}, text)
const item = (id: string) => ({ id, payload: payload(id) })

const request = (node: string, inside: string): string =>
  `<iq type="set" id="r1"><pubsub xmlns="${PUBSUB}">${inside.replace('NODE', `node="${node}"`)}</pubsub></iq>`
const publish = (node: string, id: string): string => request(node, `<publish NODE><item id="${id}">${payload(id)}</item></publish>`)

async function succeeds(client: Client, xml: string): Promise<void> {
  await client.sends(xml)
  client.receives('<iq type="result" id="r1"/>')
}

/** The ids of the items of both nodes, read from the disk. */
async function ids(world: World): Promise<string[][]> {
  world.restarts()
  const pep = world.host.apiOf(pubsub)
  const account = world.host.accounts.of('juliet')
  return account.turn.take(() => Promise.all(['a', 'b'].map(async node => (await pep.items(account, node)).map(({ id }) => id))))
}

story('what a module changes in several nodes is done as a whole', async world => {
  const { account } = (await world.connect('juliet')).session
  const pep = world.host.apiOf(pubsub)
  await account.turn.take(() =>
    pep.change(account, [
      { node: 'a', publish: [item('1')] },
      { node: 'b', publish: [item('2')] },
    ]),
  )
  const tooMuch = { id: '4', payload: payload('x'.repeat(300_000)) }
  const failing = [
    { node: 'a', publish: [item('3')] },
    { node: 'a', retract: ['1'] },
    { node: 'b', publish: [tooMuch] },
  ]
  await assert.rejects(async () => account.turn.take(() => pep.change(account, failing)), { condition: 'not-acceptable' })
  assert.deepEqual(await ids(world), [['1'], ['2']])
})

story('what a module wants alongside a change of a client is done with it, or neither is', async world => {
  const juliet = await world.connect('juliet')
  const pep = world.host.apiOf(pubsub)
  pep.usually('a', { maxItems: 'max' })
  pep.alongside('a', async (_, { published, retracted }) => [
    {
      node: 'b',
      publish: published.map(({ id }) => (id === 'huge' ? { id, payload: payload('x'.repeat(300_000)) } : item(id))),
      retract: retracted,
    },
  ])
  pep.alongside('b', async () => [{ node: 'a', publish: [item('never')] }])
  await succeeds(juliet, publish('a', '1'))
  await succeeds(juliet, publish('a', '2'))
  await juliet.sends(publish('a', 'huge'))
  juliet.receivesError('r1', 'not-acceptable')
  await succeeds(juliet, request('a', '<retract NODE><item id="2"/></retract>'))
  assert.deepEqual(await ids(world), [['1'], []])
})

story('a node of which all items go takes those alongside with it', async world => {
  const juliet = await world.connect('juliet')
  const pep = world.host.apiOf(pubsub)
  pep.usually('b', { maxItems: 'max' })
  pep.alongside('a', async (_, { published, retracted }) => [
    { node: 'b', publish: published.map(({ id }) => item(id)), retract: retracted },
  ])
  await succeeds(juliet, publish('a', '1'))
  await succeeds(juliet, `<iq type="set" id="r1"><pubsub xmlns="${PUBSUB}#owner"><purge node="a"/></pubsub></iq>`)
  assert.deepEqual(await ids(world), [[], []])
})

story('what other modules say of a node goes before what is usual, and its owner before them', async world => {
  const juliet = await world.connect('juliet')
  const pep = world.host.apiOf(pubsub)
  pep.usually('a', { accessModel: 'open', maxItems: 3 })
  await succeeds(juliet, publish('a', '1'))
  const { account } = juliet.session
  const config = String(await gets(juliet, 'get', '<configure node="a"/>', { to: '', ns: `${PUBSUB}#owner` }))
  for (const [field, value] of Object.entries({ access_model: 'open', max_items: '3', send_last_published_item: 'on_sub_and_presence' }))
    assert.match(config, new RegExp(`var='pubsub#${field}'[^>]*>(?:<option.*?</option>)*<value>${value}</value>`))
  assert.equal(await account.turn.take(() => pep.isPrivate(account, 'a')), false)
  assert.equal(await account.turn.take(() => pep.isPrivate(account, 'urn:xmpp:bookmarks:1')), true)
})

story('each item is told by itself, though several change at once', async world => {
  const listener = await listens(world, 'juliet', 'a')
  const { account } = listener.session
  const pep = world.host.apiOf(pubsub)
  pep.usually('a', { maxItems: 'max' })
  await account.turn.take(() => pep.change(account, [{ node: 'a', publish: [item('1'), item('2'), item('3')] }]))
  await account.turn.take(() => pep.change(account, [{ node: 'a', publish: [item('4')], retract: ['1', '3', 'none'] }]))
  const told = (inside: string): void => {
    const event = `<event xmlns="${PUBSUB}#event"><items node="a">${inside}</items></event>`
    assert.equal(listener.receives(`<message>${event}</message>`).first()?.first()?.elements().length, 1)
  }
  for (const id of ['1', '2', '3']) told(`<item id="${id}"/>`)
  for (const id of ['1', '3']) told(`<retract id="${id}"/>`)
  told('<item id="4"/>')
})

story(
  'an item takes room for its id, and for being one, also where it has no payload',
  async world => {
    const juliet = await world.connect('juliet')
    await gets(juliet, 'set', createXml('a', { max_items: 'max', deliver_payloads: '0', access_model: 'open' }), own)
    let kept = 0
    while (kept < 100 && conditionOf(await ask(juliet, 'set', publishXml('a', `<item id="${'x'.repeat(400)}${kept}"/>`), own)) === 'ok')
      kept++
    assert.equal(kept, 8)
  },
  { settings: { pubsub: { bytes: '4KiB' } } },
)

import assert from 'node:assert/strict'
import { type Client, story } from '../../../test/story.ts'
import { defineModule } from '../../core/module.ts'
import { type Choice, retention, retentionChanged } from './retention.ts'

const COMMANDS = 'http://jabber.org/protocol/commands'
const NODE = 'urn:xmpp:mam#configure'

/** Opens the form; gives its session. */
async function ask(client: Client): Promise<string> {
  await client.sends(`<iq type="set" id="c1"><command xmlns="${COMMANDS}" node="${NODE}"/></iq>`)
  return client.receives(`<iq type="result"><command xmlns="${COMMANDS}" status="executing"/></iq>`).first()!.attrs['sessionid']!
}

async function choose(client: Client, choice: string): Promise<void> {
  const sessionid = await ask(client)
  const form = `<x xmlns="jabber:x:data" type="submit"><field var="keep"><value>${choice}</value></field></x>`
  await client.sends(`<iq type="set" id="c2"><command xmlns="${COMMANDS}" node="${NODE}" sessionid="${sessionid}">${form}</command></iq>`)
}

const changes: [string, Choice, Choice][] = []
const listener = defineModule({
  name: 'listener',
  about: '',
  xeps: [],
  setup({ on }) {
    on(retentionChanged, function note({ account, former, now }) {
      changes.push([account.name, former, now])
    })
  },
})

story(
  'XEP-0441 §2.2: users choose how long their messages are kept, at a node that clients know',
  async world => {
    const { classOf } = world.host.apiOf(retention)
    const romeo = await world.connect('romeo')
    const { account } = romeo.session
    assert.deepEqual([classOf(account, 'archive'), classOf(account, 'spool')], [7, 8])
    for (const [choice, archive, spool] of [
      ['relay', undefined, undefined],
      ['delivered', undefined, 8],
      ['1d', 1, 1],
      ['30d', 30, 8],
    ] as const) {
      await choose(romeo, choice)
      romeo.receives(`<iq type="result" id="c2"><command xmlns="${COMMANDS}" status="completed"/></iq>`)
      assert.deepEqual([classOf(account, 'archive'), classOf(account, 'spool')], [archive, spool])
    }
    assert.deepEqual(changes.splice(0).at(-1), ['romeo', '1d', '30d'])
  },
  { extra: [listener] },
)

story('the choice outlives a restart, and goes with the account', async world => {
  await choose(await world.connect('romeo'), '1d')
  world.restarts()
  const romeo = await world.connect('romeo')
  assert.equal(world.host.apiOf(retention).classOf(romeo.session.account, 'archive'), 1)
  await world.host.life.remove('romeo')
  const next = await world.connect('romeo')
  assert.equal(world.host.apiOf(retention).classOf(next.session.account, 'archive'), 7)
})

story('what is not offered is not chosen', async world => {
  const romeo = await world.connect('romeo')
  await choose(romeo, '100y')
  romeo.receivesError('c2', 'bad-request')
})

story(
  'the operator caps what users choose, and what they chose before',
  async world => {
    const { classOf, possible } = world.host.apiOf(retention)
    const romeo = await world.connect('romeo')
    assert.equal(classOf(romeo.session.account, 'archive'), 1)
    assert.deepEqual(possible, ['relay', 'delivered', '1d'])
    await choose(romeo, '30d')
    romeo.receivesError('c2', 'bad-request')
  },
  { settings: { retention: { longest: '1d' } } },
)

story('the operator chooses in the name of a user', async world => {
  const { choose, classOf, of } = world.host.apiOf(retention)
  assert.equal(await of('romeo'), undefined)
  assert.equal(await choose('romeo', '1d'), false)
  const romeo = await world.connect('romeo')
  assert.equal(await of('romeo'), '7d')
  assert.equal(await choose('romeo', 'relay'), true)
  assert.equal(classOf(romeo.session.account, 'spool'), undefined)
  assert.equal(await of('romeo'), 'relay')
})

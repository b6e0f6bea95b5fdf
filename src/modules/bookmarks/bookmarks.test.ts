import assert from 'node:assert/strict'
import fc from 'fast-check'
import { announced, items, listens, publishes, retracts, sees } from '../../../test/personal-events.ts'
import { type Client, story } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'

const NATIVE = 'urn:xmpp:bookmarks:1'
const OLD = 'storage:bookmarks'
const EVENT = 'http://jabber.org/protocol/pubsub#event'
const options = { persist_items: 'true', max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' }

const native = (room: string, attrs = '', inside = ''): string =>
  `<item id="${room}@rooms.example"><conference xmlns="${NATIVE}" ${attrs}>${inside}</conference></item>`
const old = (room: string, attrs = '', inside = ''): string => `<conference jid="${room}@rooms.example" ${attrs}>${inside}</conference>`
const storage = (...inside: string[]): string => `<storage xmlns="${OLD}">${inside.join('')}</storage>`
const set = (...inside: string[]): string => `<iq type="set" id="s1"><query xmlns="jabber:iq:private">${storage(...inside)}</query></iq>`

async function keeps(client: Client, ...inside: string[]): Promise<void> {
  await client.sends(set(...inside))
  client.receivesAll('<iq type="result" id="s1"/>')
}

async function finds(client: Client): Promise<Element> {
  await client.sends(`<iq type="get" id="g1"><query xmlns="jabber:iq:private">${storage()}</query></iq>`)
  return client.receives('<iq type="result" id="g1"/>').first()!.first()!
}

/** The rooms that a client finds in each of the three formats. */
async function rooms(client: Client): Promise<string[][]> {
  const short = (jid: string | undefined): string => jid!.replace('@rooms.example', '')
  const inList = (list: Element | null | undefined): string[] =>
    (list?.elements() ?? []).map(({ attrs }) => short(attrs['jid'] ?? attrs['url']))
  return [
    (await sees(client, NATIVE)).map(({ attrs }) => short(attrs['id'])),
    inList((await sees(client, OLD))[0]?.first()),
    inList(await finds(client)),
  ]
}

story('XEP-0402 §6 and XEP-0411 §2: accounts say that they convert', async world => {
  const features = await announced(await world.connect('juliet'))
  for (const feature of [`${NATIVE}#compat`, `${NATIVE}#compat-pep`, 'urn:xmpp:bookmarks-conversion:0']) assert.ok(features.has(feature))
})

story('XEP-0402 §3: a client adds, corrects and removes bookmarks, and the others follow', async world => {
  const balcony = await world.connect('juliet', 'balcony')
  const chamber = await listens(world, 'juliet', NATIVE)
  const event = (inside: string): string =>
    `<message type="headline" from="juliet@here.example"><event xmlns="${EVENT}"><items node="${NATIVE}">${inside}</items></event></message>`
  const orchard = (name: string): string =>
    native(
      'orchard',
      `name="${name}" autojoin="1"`,
      '<nick>JC</nick><extensions><state xmlns="http://myclient.example/bookmark/state" minimized="true"/></extensions>',
    )
  for (const item of [
    native('theplay', 'name="The Play" autojoin="true"', '<nick>JC</nick>'),
    orchard('The Orcard'),
    orchard('The Orchard'),
  ]) {
    await publishes(balcony, NATIVE, item, options)
    chamber.receives(event(item))
  }
  const [theplay, second, ...more] = (await sees(chamber, NATIVE)).map(item => String(item.first()?.attrs['name']))
  assert.deepEqual([theplay, second, more], ['The Play', 'The Orchard', []])
  await retracts(balcony, NATIVE, 'theplay@rooms.example')
  chamber.receives(event('<retract id="theplay@rooms.example"/>'))
})

story('XEP-0402 §3.3 and §5.3.1: what is published in the new format is found in the old ones', async world => {
  const juliet = await world.connect('juliet')
  await publishes(juliet, NATIVE, native('theplay', 'name="The Play" autojoin="true"', '<nick>JC</nick>'), options)
  await publishes(juliet, NATIVE, native('orchard'), options)
  assert.deepEqual(await rooms(juliet), Array(3).fill(['theplay', 'orchard']))
  assert.equal(
    (await finds(juliet)).first()?.toString(OLD),
    "<conference jid='theplay@rooms.example' name='The Play' autojoin='true'><nick>JC</nick></conference>",
  )
  await publishes(juliet, NATIVE, native('orchard', 'name="The Orchard"'), options)
  assert.equal((await finds(juliet)).elements()[1]?.attrs['name'], 'The Orchard')
  await retracts(juliet, NATIVE, 'theplay@rooms.example')
  assert.deepEqual(await rooms(juliet), Array(3).fill(['orchard']))
})

story('XEP-0411 §3 and XEP-0402 §5.3.2: a list of the old formats changes the bookmarks', async world => {
  const juliet = await world.connect('juliet')
  await publishes(juliet, NATIVE, native('orchard'), options)
  await keeps(juliet, old('theplay', 'autojoin="1"'), '<url name="Works" url="https://example.org/"/>')
  const [inNative, ...lists] = await rooms(juliet)
  assert.deepEqual(inNative, ['theplay'])
  assert.deepEqual(lists, Array(2).fill(['theplay', 'https://example.org/']))
  await publishes(juliet, OLD, `<item id="current">${storage(old('den'), '<url url="https://example.com/"/>')}</item>`)
  const [now, ...then] = await rooms(juliet)
  assert.deepEqual([now, ...then], [['den'], ['den', 'https://example.com/'], ['den', 'https://example.com/']])
  await keeps(juliet)
  assert.deepEqual(await rooms(juliet), [[], [], []])
})

story('XEP-0402 §4 and §5.3.2: clients hear of what changed, once, and of nothing else', async world => {
  const juliet = await world.connect('juliet')
  await publishes(juliet, NATIVE, native('theplay', 'autojoin="true"'), options)
  await publishes(juliet, NATIVE, native('orchard'), options)
  const chamber = await listens(world, 'juliet', NATIVE)
  await keeps(juliet, old('theplay', 'autojoin="1"'), old('den', 'name="Den"'))
  const event = (inside: string): string =>
    `<message type="headline" from="juliet@here.example"><event xmlns="${EVENT}"><items node="${NATIVE}">${inside}</items></event></message>`
  chamber.receivesAll(event(native('den', 'name="Den"')), event('<retract id="orchard@rooms.example"/>'))
})

story('XEP-0411 §3: those who know the list hear of it, whichever way it was changed', async world => {
  const juliet = await world.connect('juliet')
  const chamber = await listens(world, 'juliet', OLD)
  const heard = (...inside: string[]): void =>
    void chamber.receives(
      `<message><event xmlns="${EVENT}"><items node="${OLD}"><item>${storage(...inside)}</item></items></event></message>`,
    )
  await keeps(juliet, old('theplay'))
  heard(old('theplay'))
  await publishes(juliet, NATIVE, native('den'), options)
  heard(old('theplay'), old('den'))
  await retracts(juliet, NATIVE, 'theplay@rooms.example')
  heard(old('den'))
})

story('a client that publishes all formats at once ends with what it published', async world => {
  const juliet = await world.connect('juliet')
  for (const round of [1, 2]) {
    await publishes(juliet, NATIVE, native('theplay', `name="${round}"`), options)
    await publishes(juliet, OLD, `<item id="current">${storage(old('theplay', `name="${round}"`))}</item>`)
    await keeps(juliet, old('theplay', `name="${round}"`))
    assert.deepEqual(await rooms(juliet), Array(3).fill(['theplay']))
    assert.equal((await sees(juliet, NATIVE))[0]?.first()?.attrs['name'], String(round))
  }
})

/** What a contact sees of both nodes. */
async function seenBy(contact: Client): Promise<string> {
  for (const node of [NATIVE, OLD]) await contact.sends(items(node, 'juliet'))
  return contact.unread.splice(0).map(String).join('\n')
}

story('bookmarks are for their owner alone, whatever the client forgets to say of their node', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await publishes(juliet, NATIVE, native('theplay'))
  for (const isLocked of [false, true]) {
    if (isLocked) juliet.keys!.release()
    for (const node of [NATIVE, OLD]) {
      await romeo.sends(items(node, 'juliet'))
      romeo.receivesError('i1', 'item-not-found')
    }
  }
  for (const request of [set(old('den')), set().replace('set', 'get')]) {
    await juliet.sends(request)
    juliet.receivesError('s1', 'not-allowed')
  }
  assert.deepEqual(await rooms(await world.connect('juliet', 'laptop')), Array(3).fill(['theplay']))
})

story('XEP-0411 §5: what is private does not get into a node that others read', async world => {
  const romeo = await world.online('romeo')
  for (const [shared, other, open] of [
    [NATIVE, OLD, native('theplay')],
    [OLD, NATIVE, `<item id="current">${storage(old('theplay'))}</item>`],
  ] as const) {
    const juliet = await world.online('juliet', shared === OLD ? 'chamber' : 'balcony')
    await world.befriend(juliet, romeo)
    await publishes(juliet, shared, open, { access_model: 'presence', max_items: 'max' })
    await publishes(juliet, other, other === OLD ? `<item>${storage(old('secret'))}</item>` : native('secret'))
    await juliet.sends(set(old('secret')))
    juliet.receivesError('s1', 'not-allowed')
    const seen = await seenBy(romeo)
    assert.match(seen, /theplay/)
    assert.doesNotMatch(seen, /secret/)
    world.host.accounts.forget(juliet.session.account)
    assert.match(String(await sees(await world.connect('juliet', 'later'), other)), /secret/)
    await world.host.life.remove('juliet')
    for (const client of world.clients) client.forget()
  }
})

story('what does not look like a list is kept as an item, and changes no bookmark', async world => {
  const juliet = await world.connect('juliet')
  await publishes(juliet, NATIVE, native('theplay'), options)
  for (const payload of ['<conference xmlns="storage:bookmarks" jid="a@rooms.example"/>', '<storage xmlns="urn:example"/>']) {
    await publishes(juliet, OLD, `<item id="current">${payload}</item>`)
    assert.deepEqual(
      (await sees(juliet, NATIVE)).map(({ attrs }) => attrs['id']),
      ['theplay@rooms.example'],
    )
  }
  assert.deepEqual(
    (await finds(juliet)).elements().map(({ attrs }) => attrs['jid']),
    ['theplay@rooms.example'],
  )
})

story(
  'a list with more rooms than there may be is refused, and nothing of it is done',
  async world => {
    const juliet = await world.connect('juliet')
    await keeps(juliet, old('a'), old('b'))
    await juliet.sends(set(old('c'), old('d'), old('e'), old('f')))
    assert.equal(juliet.unread.shift()?.attrs['type'], 'error')
    assert.deepEqual(await rooms(juliet), Array(3).fill(['a', 'b']))
  },
  { settings: { pubsub: { items: 3 } } },
)

story('what a recovery code brings back is found in all formats', async world => {
  const juliet = await world.connect('juliet')
  await publishes(juliet, NATIVE, native('theplay'), options)
  const code = await world.host.keys.newRecoveryCode(juliet.session.account)
  await world.host.life.resetPassword('juliet', 'crayon')
  const locked = await world.connect('juliet', 'phone', 'crayon')
  await publishes(locked, NATIVE, native('den'), options)
  const { account } = locked.session
  assert.equal(await account.turn.take(() => world.host.life.recover(account, code!)), true)
  const shown = async (client: Client): Promise<string[][]> => (await rooms(client)).map(found => found.sort())
  assert.deepEqual(await shown(locked), Array(3).fill(['den', 'theplay']))
  await publishes(locked, OLD, `<item>${storage(old('den'), old('theplay'), old('third'))}</item>`)
  assert.deepEqual(await shown(locked), Array(3).fill(['den', 'theplay', 'third']))
  world.restarts()
  assert.deepEqual(await shown(await world.connect('juliet', 'phone', 'crayon')), Array(3).fill(['den', 'theplay', 'third']))
})

story('of bookmarks of one room whose ids are written in different ways a list takes away all', async world => {
  const juliet = await world.connect('juliet')
  for (const room of ['Den', 'den', 'theplay']) await publishes(juliet, NATIVE, native(room), options)
  await publishes(juliet, OLD, `<item>${storage(old('theplay'))}</item>`)
  assert.deepEqual(await rooms(juliet), Array(3).fill(['theplay']))
})

story(
  'a list that would grow larger than an item may be stays behind, and takes away nothing that it does not have',
  async world => {
    const juliet = await world.connect('juliet')
    const all = Array.from({ length: 20 }, (_, i) => `room${i}`)
    for (const room of all) await publishes(juliet, NATIVE, native(room, `name="${'n'.repeat(60)}"`), options)
    const [bookmarks, listed, whole] = await rooms(juliet)
    assert.deepEqual(bookmarks, all)
    assert.deepEqual(whole, all)
    assert.ok(listed!.length > 5 && listed!.length < 20)
    const others = listed!.filter(room => room !== 'room0')
    await publishes(juliet, OLD, `<item>${storage(...others.map(room => old(room)))}</item>`)
    assert.deepEqual((await rooms(juliet))[0]!.sort(), all.filter(room => room !== 'room0').sort())
    await keeps(juliet, old('room1'))
    assert.deepEqual(await rooms(juliet), Array(3).fill(['room1']))
  },
  { settings: { pubsub: { payload: '2KiB' } } },
)

story('bookmarks that stood in private storage are found in all formats after the next login', async world => {
  const juliet = await world.connect('juliet')
  const { documents, accounts } = world.host
  const kept = `<query xmlns="jabber:iq:private">${storage(old('theplay'))}<notes xmlns="urn:example:notes">a</notes></query>`
  await documents.write(accounts.of('juliet'), 3, Buffer.from(kept))
  await juliet.leaves()
  world.restarts()
  const again = await world.connect('juliet')
  assert.deepEqual(await rooms(again), Array(3).fill(['theplay']))
  await again.sends('<iq type="get" id="n1"><query xmlns="jabber:iq:private"><notes xmlns="urn:example:notes"/></query></iq>')
  again.receives('<iq id="n1"><query xmlns="jabber:iq:private"><notes xmlns="urn:example:notes">a</notes></query></iq>')
})

story('whatever clients do in whichever format, all three say the same in the end', async world => {
  const juliet = await world.connect('juliet')
  const room = fc.constantFrom('a', 'b', 'c', 'd')
  const attrs = fc.constantFrom('', 'name="x"', 'autojoin="true"', 'name="y" autojoin="1"')
  const list = fc.array(fc.tuple(room, attrs), { maxLength: 4 }).map(rooms => rooms.map(([name, said]) => old(name, said)))
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), room, attrs }),
    fc.record({ kind: fc.constant('retract' as const), room }),
    fc.record({ kind: fc.constant('item' as const), list }),
    fc.record({ kind: fc.constant('private' as const), list }),
  )
  await publishes(juliet, NATIVE, native('a'), options)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async steps => {
      for (const step of steps) {
        if (step.kind === 'publish') await publishes(juliet, NATIVE, native(step.room, step.attrs), options)
        else if (step.kind === 'item') await publishes(juliet, OLD, `<item>${storage(...step.list)}</item>`)
        else if (step.kind === 'private') await keeps(juliet, ...step.list)
        else {
          await juliet.sends(
            `<iq type="set" id="r1"><pubsub xmlns="http://jabber.org/protocol/pubsub"><retract node="${NATIVE}"><item id="${step.room}@rooms.example"/></retract></pubsub></iq>`,
          )
          juliet.forget()
        }
        const [first, ...others] = (await rooms(juliet)).map(each => [...new Set(each)].sort())
        for (const other of others) assert.deepEqual(other, first)
      }
    }),
    { numRuns: 40 },
  )
})

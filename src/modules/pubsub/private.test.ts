import assert from 'node:assert/strict'
import {
  ask,
  conditionOf,
  configXml,
  createXml,
  gets,
  idsIn,
  item,
  listens,
  OWNER,
  own,
  PUBSUB,
  publishXml,
  refuses,
} from '../../../test/pubsub-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { name, sql } from '../../storage/db.ts'

const BOOKMARKS = 'urn:xmpp:bookmarks:1'
const ROOM = 'secret-room@muc.example'
const owner = { to: '', ns: OWNER }
const TABLES = ['pubsub_node', 'pubsub_item', 'pubsub_affiliation', 'pubsub_subscription', 'pubsub_moved', 'sealed_row', 'sealed_secret']

/** All that stands in the tables, as text. */
async function onDisk(world: World): Promise<string> {
  const rows = await Promise.all(TABLES.map(table => world.store.all<Record<string, unknown>>(sql`SELECT * FROM ${name(table)}`)))
  const texts = rows
    .flat()
    .flatMap(row => Object.values(row).map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value))))
  return texts.join('\n')
}

const count = async (world: World, table: string): Promise<number> =>
  Number((await world.store.all<{ count: number }>(sql`SELECT COUNT(*) AS count FROM ${name(table)}`))[0]!.count)

const items = async (client: Client, node = BOOKMARKS): Promise<string[]> =>
  idsIn((await gets(client, 'get', `<items node="${node}"/>`, own))!)

/** Has a new password. */
const changes = async ({ session, world }: Client, password: string): Promise<void> =>
  session.account.turn.take(() => world.host.life.changePassword(session.account, password, session.jid))

/** Uses the code. */
const recovers = async ({ session, world }: Client, code: string): Promise<void> =>
  assert.equal(await session.account.turn.take(() => world.host.life.recover(session.account, code)), true)

story('XEP-0402 §3: bookmarks are sealed: neither their node, nor their ids, nor what is in them is readable on the disk', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM, 'my den')), own)
  await gets(romeo, 'set', publishXml(BOOKMARKS, item('other@muc.example', 'my den')), own)
  assert.doesNotMatch(await onDisk(world), /bookmarks|secret-room|my den/)
  assert.equal(await count(world, 'pubsub_node'), 0)
  assert.equal(await count(world, 'sealed_row'), 3)
  assert.deepEqual(await items(romeo), [ROOM, 'other@muc.example'])
})

story('they are there again after a restart, for whoever logs in, and not before', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  world.restarts()
  const juliet = await world.online('juliet')
  await refuses(juliet, 'get', `<items node="${BOOKMARKS}"/>`, 'service-unavailable', { to: 'romeo@here.example' })
  const again = await world.online('romeo')
  assert.deepEqual(await items(again), [ROOM])
  await gets(again, 'set', publishXml(BOOKMARKS, item('b@muc.example')), own)
  await again.leaves()
  again.keys!.release()
  const third = await world.online('romeo')
  await gets(third, 'set', `<retract node="${BOOKMARKS}"><item id="${ROOM}"/></retract>`, own)
  assert.deepEqual(await items(third), ['b@muc.example'])
  assert.equal(await count(world, 'sealed_row'), 2)
})

story('to everyone else a private node is none, whether the account is open or not', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  await world.befriend(romeo, juliet)
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  const requests = (node: string): [type: 'get' | 'set', xml: string, ns?: string][] => [
    ['get', `<items node="${node}"/>`],
    ['set', publishXml(node, item('a'))],
    ['set', `<retract node="${node}"><item id="${ROOM}"/></retract>`],
    ['set', `<subscribe node="${node}" jid="juliet@here.example"/>`],
    ['get', `<subscriptions node="${node}"/>`],
    ['get', `<configure node="${node}"/>`, OWNER],
    ['set', `<delete node="${node}"/>`, OWNER],
    ['set', `<purge node="${node}"/>`, OWNER],
    ['get', `<affiliations node="${node}"/>`, OWNER],
  ]
  const answers = async (client: Client, node: string): Promise<string[]> => {
    const heard: string[] = []
    for (const [type, xml, ns] of requests(node))
      heard.push(conditionOf(await ask(client, type, xml, { to: 'romeo@here.example', ...(ns && { ns }) })))
    return heard
  }
  for (const state of ['open', 'locked']) {
    if (state === 'locked') {
      await romeo.leaves()
      juliet.forget()
    }
    assert.deepEqual(await answers(juliet, BOOKMARKS), await answers(juliet, 'urn:example:none'))
    assert.deepEqual(await answers(tybalt, BOOKMARKS), await answers(tybalt, 'urn:example:none'))
    assert.deepEqual(new Set(await answers(tybalt, BOOKMARKS)), new Set(['service-unavailable']))
  }
})

story('of what is private only the owner’s clients hear', async world => {
  const romeo = await world.online('romeo', 'a')
  const laptop = await world.online('romeo', 'b')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  for (const client of [romeo, laptop, juliet]) await listens(client, BOOKMARKS)
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  for (const client of [romeo, laptop]) client.receives(`<message from="romeo@here.example" to="${client.session.jid}"/>`)
})

story('a node that is opened to others moves to where they can read it, and one that is closed is sealed', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  const configure = (model: string): Promise<unknown> =>
    gets(romeo, 'set', `<configure node="urn:example:den">${configXml({ access_model: model })}</configure>`, owner)
  const member = (affiliation: string): Promise<unknown> =>
    gets(
      romeo,
      'set',
      `<affiliations node="urn:example:den"><affiliation jid="juliet@here.example" affiliation="${affiliation}"/></affiliations>`,
      owner,
    )
  const reads = async (): Promise<string> =>
    conditionOf(await ask(juliet, 'get', '<items node="urn:example:den"/>', { to: 'romeo@here.example' }))
  await gets(romeo, 'set', createXml('urn:example:den', { access_model: 'whitelist', max_items: 'max' }), own)
  for (const id of ['a', 'b', 'c']) await gets(romeo, 'set', publishXml('urn:example:den', item(id, 'my den')), own)
  const steps: [() => Promise<unknown>, isSealed: boolean, heard: string][] = [
    [async () => {}, true, 'item-not-found'],
    [() => configure('presence'), false, 'ok'],
    [() => configure('whitelist'), true, 'item-not-found'],
    [() => member('outcast'), true, 'item-not-found'],
    [() => member('member'), false, 'ok'],
    [() => member('none'), true, 'item-not-found'],
    [() => member('publish-only'), false, 'forbidden'],
    [() => member('none'), true, 'item-not-found'],
  ]
  for (const [step, isSealed, heard] of steps) {
    await step()
    juliet.forget()
    assert.equal(/my den/.test(await onDisk(world)), !isSealed)
    assert.equal(await count(world, 'sealed_row'), isSealed ? 4 : 0)
    assert.equal(await reads(), heard)
    assert.deepEqual(await items(romeo, 'urn:example:den'), ['a', 'b', 'c'])
  }
  await gets(romeo, 'set', '<delete node="urn:example:den"><redirect uri="xmpp:x@y"/></delete>', owner)
  assert.equal(await count(world, 'sealed_row'), 0)
  assert.equal(await count(world, 'pubsub_moved'), 0)
})

story(
  'a new password opens what was sealed before, has a secret of its own, and the old one goes with the last of its rows',
  async world => {
    const romeo = await world.online('romeo')
    await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
    const secrets = async (): Promise<number[]> =>
      (await world.store.all<{ generation: number }>(sql`SELECT generation FROM sealed_secret ORDER BY generation`)).map(row =>
        Number(row.generation),
      )
    await changes(romeo, 'crayon')
    assert.deepEqual(await items(romeo), [ROOM])
    assert.deepEqual(await secrets(), [1])
    await gets(romeo, 'set', publishXml(BOOKMARKS, item('b@muc.example')), own)
    assert.deepEqual(await secrets(), [1, 2])
    world.restarts()
    const again = await world.online('romeo', 'phone', '<presence/>', 'crayon')
    assert.deepEqual(await items(again), [ROOM, 'b@muc.example'])
    await gets(again, 'set', `<delete node="${BOOKMARKS}"/>`, owner)
    await changes(again, 'chalk')
    await gets(again, 'set', publishXml(BOOKMARKS, item('c@muc.example')), own)
    assert.deepEqual(await secrets(), [3])
  },
)

story('a new password costs no more where there is much', async world => {
  const romeo = await world.online('romeo')
  const many = Array.from({ length: 500 }, (_, i) => item(`room${i}@muc.example`)).join('')
  await gets(romeo, 'set', publishXml(BOOKMARKS, many), own)
  const boxes = (): Promise<unknown[]> => world.store.all(sql`SELECT number, box FROM sealed_row ORDER BY number`)
  const before = await boxes()
  await changes(romeo, 'crayon')
  assert.deepEqual(await boxes(), before)
  assert.equal((await items(romeo)).length, 500)
})

story('whose connection breaks while the password is changed loses nothing', async world => {
  const romeo = await world.online('romeo')
  for (const password of ['crayon', 'chalk']) {
    await gets(romeo, 'set', publishXml(BOOKMARKS, item(`${password}@muc.example`)), own)
    await changes(romeo, password)
  }
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  const tx = world.store.tx.bind(world.store)
  world.store.tx = work =>
    tx(db => {
      const run: typeof db.run = async query => {
        const done = await db.run(query)
        if (query.sql.includes('INTO account_key')) romeo.keys!.release()
        return done
      }
      return work({ all: db.all.bind(db), insert: db.insert.bind(db), tx: db.tx.bind(db), run, writesPages: db.writesPages })
    })
  await changes(romeo, 'ink')
  world.store.tx = tx
  await romeo.leaves()
  world.restarts()
  const again = await world.online('romeo', 'phone', '<presence/>', 'ink')
  assert.deepEqual(await items(again), ['crayon@muc.example', 'chalk@muc.example', ROOM])
})

story('a new password that could not be written changes nothing, and leaves nothing that is not on disk', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  await world.store.run(sql`ALTER TABLE account_key RENAME TO account_key_away`)
  await assert.rejects(changes(romeo, 'crayon'))
  await world.store.run(sql`ALTER TABLE account_key_away RENAME TO account_key`)
  await gets(romeo, 'set', `<delete node="${BOOKMARKS}"/>`, owner)
  await changes(romeo, 'crayon')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item('b@muc.example')), own)
  world.restarts()
  assert.deepEqual(await items(await world.online('romeo', 'phone', '<presence/>', 'crayon')), ['b@muc.example'])
})

story('of what a recovery code brings back the newer one wins, also after another password', async world => {
  for (const [i, name] of ['romeo', 'juliet', 'nurse', 'tybalt'].entries()) {
    const before = await world.online(name)
    await gets(before, 'set', publishXml(BOOKMARKS, item(ROOM, 'old')), own)
    const code = await world.host.keys.newRecoveryCode(before.session.account)
    await world.host.life.resetPassword(name, 'crayon')
    const after = await world.online(name, 'phone', '<presence/>', 'crayon')
    await gets(after, 'set', publishXml(BOOKMARKS, item(ROOM, 'new')), own)
    await recovers(after, code!)
    if (i % 2 === 0) await items(after)
    await changes(after, 'chalk')
    world.restarts()
    const again = await world.online(name, 'phone', '<presence/>', 'chalk')
    assert.match(String(await gets(again, 'get', `<items node="${BOOKMARKS}"/>`, own)), /<title>new</)
    again.forget()
  }
})

story('what a recovery code brings back is there at once', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  const code = await world.host.keys.newRecoveryCode(romeo.session.account)
  await world.host.life.resetPassword('romeo', 'crayon')
  const again = await world.online('romeo', 'phone', '<presence/>', 'crayon')
  await refuses(again, 'get', `<items node="${BOOKMARKS}"/>`, 'item-not-found', own)
  await recovers(again, code!)
  assert.deepEqual(await items(again), [ROOM])
  again.forget()
})

story(
  'what a lost password has locked leaves its owner all the room there is',
  async world => {
    const romeo = await world.online('romeo')
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await ask(romeo, 'set', publishXml(BOOKMARKS, item(id, 'x'.repeat(2000))), own)
    await world.host.keys.newRecoveryCode(romeo.session.account)
    await world.host.life.resetPassword('romeo', 'crayon')
    const again = await world.online('romeo', 'phone', '<presence/>', 'crayon')
    await gets(again, 'set', publishXml(BOOKMARKS, item('a', 'x'.repeat(10_000))), own)
    await refuses(again, 'set', publishXml(BOOKMARKS, item('b', 'x'.repeat(10_000))), 'resource-constraint', own)
    again.forget()
  },
  { settings: { pubsub: { bytes: '16KiB' } } },
)

story('a request of somebody else that waits while the account is locked is answered all the same', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await gets(juliet, 'set', createXml('urn:example:n', { access_model: 'open' }), own)
  await gets(juliet, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  let go!: () => void
  const busy = juliet.session.account.turn.take(() => new Promise<void>(resolve => (go = resolve)))
  const asked = ask(romeo, 'set', '<subscribe node="urn:example:n" jid="romeo@here.example"/>', { to: 'juliet@here.example' })
  await new Promise(resolve => setImmediate(resolve))
  juliet.keys!.release()
  go()
  await busy
  assert.equal(conditionOf(await asked), 'ok')
  for (const client of [romeo, juliet]) client.forget()
})

story('with a lost password all that was private is lost', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  await gets(romeo, 'set', publishXml('urn:example:public', item('a')), own)
  assert.deepEqual(await world.host.life.resetPassword('romeo', 'crayon'), { isLost: true })
  assert.equal(await count(world, 'sealed_row'), 0)
  assert.equal(await count(world, 'sealed_secret'), 0)
  const again = await world.connect('romeo', 'phone', 'crayon')
  await refuses(again, 'get', `<items node="${BOOKMARKS}"/>`, 'item-not-found', own)
  assert.deepEqual(await items(again, 'urn:example:public'), ['a'])
  await gets(again, 'set', publishXml(BOOKMARKS, item('new@muc.example')), own)
  assert.deepEqual(await items(again), ['new@muc.example'])
})

story('what a recovery code brings back comes to what there is since', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM, 'old') + item('b@muc.example', 'old')), own)
  const code = await world.host.keys.newRecoveryCode(romeo.session.account)
  assert.deepEqual(await world.host.life.resetPassword('romeo', 'crayon'), { isLost: false })
  const again = await world.connect('romeo', 'phone', 'crayon')
  await gets(again, 'set', publishXml(BOOKMARKS, item('b@muc.example', 'new') + item('c@muc.example', 'new')), own)
  assert.deepEqual(await items(again), ['b@muc.example', 'c@muc.example'])
  await recovers(again, code!)
  assert.deepEqual((await items(again)).sort(), [ROOM, 'b@muc.example', 'c@muc.example'].sort())
  world.restarts()
  const third = await world.online('romeo', 'phone', '<presence/>', 'crayon')
  assert.deepEqual((await items(third)).sort(), [ROOM, 'b@muc.example', 'c@muc.example'].sort())
  const answer = await gets(third, 'get', `<items node="${BOOKMARKS}"><item id="b@muc.example"/></items>`, own)
  assert.match(String(answer), /<title>new</)
  assert.equal(await count(world, 'sealed_row'), 4)
})

story('all of it goes with the account', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  await gets(romeo, 'set', createXml('urn:example:open', { access_model: 'open' }), own)
  await gets(romeo, 'set', publishXml('urn:example:open', item('a')), own)
  await gets(
    romeo,
    'set',
    '<affiliations node="urn:example:open"><affiliation jid="a@far.example" affiliation="member"/></affiliations>',
    owner,
  )
  await gets(juliet, 'set', '<subscribe node="urn:example:open" jid="juliet@here.example"/>', { to: 'romeo@here.example' })
  await gets(romeo, 'set', createXml('urn:example:moved', { access_model: 'open' }), own)
  await gets(romeo, 'set', '<delete node="urn:example:moved"><redirect uri="xmpp:x@y"/></delete>', owner)
  for (const client of [romeo, juliet]) client.forget()
  for (const table of TABLES) assert.ok((await count(world, table)) > 0, table)
  await world.host.life.remove('romeo')
  for (const table of TABLES) assert.equal(await count(world, table), 0, table)
})

story('a disk that fails loses nothing that was there, and leaves nothing half done', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', publishXml(BOOKMARKS, item(ROOM)), own)
  await gets(romeo, 'set', publishXml('urn:example:public', item('a')), own)
  await world.store.run(sql`ALTER TABLE sealed_row RENAME TO sealed_row_away`)
  await ask(romeo, 'set', publishXml(BOOKMARKS, item('b@muc.example')), own).then(answer => assert.equal(answer.attrs['type'], 'error'))
  const configure = `<configure node="urn:example:public">${configXml({ access_model: 'whitelist' })}</configure>`
  await ask(romeo, 'set', configure, owner).then(answer => assert.equal(answer.attrs['type'], 'error'))
  await world.store.run(sql`ALTER TABLE sealed_row_away RENAME TO sealed_row`)
  assert.deepEqual(await items(romeo), [ROOM])
  assert.deepEqual(await items(romeo, 'urn:example:public'), ['a'])
  await gets(romeo, 'set', configure, owner)
  assert.deepEqual(await items(romeo, 'urn:example:public'), ['a'])
})

story('many publish at once, privately and not, and nobody waits for another for ever', async world => {
  const clients = [await world.online('romeo'), await world.online('juliet'), await world.online('tybalt')]
  const publish = (id: string, node: string): string =>
    `<iq type="set" id="${id}"><pubsub xmlns="${PUBSUB}">${publishXml(node, item(id))}</pubsub></iq>`
  const given = clients.flatMap(client =>
    [BOOKMARKS, 'urn:example:a', 'urn:xmpp:mds:displayed:0', 'urn:example:b', BOOKMARKS].map((node, i) =>
      client.gives(publish(`p${i}`, node)),
    ),
  )
  await Promise.all(given)
  await world.settled()
  for (const client of clients) {
    for (let i = 0; i < 5; i++) client.receives(`<iq type="result" id="p${i}"/>`)
    assert.deepEqual(await items(client), ['p0', 'p4'])
  }
})

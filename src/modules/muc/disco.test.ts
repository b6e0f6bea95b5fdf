/** XEP-0045 §6, §7.12, §18.1.1: what the service and its rooms are. */
import assert from 'node:assert/strict'
import { affiliated, askRoom, conditionIn, configured, coven, open, opens, ROOM, roomIn, SERVICE } from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { USUAL_PUBLIC } from './config.ts'
import { muc } from './muc.ts'

const MUC = 'http://jabber.org/protocol/muc'
const query = (what: 'info' | 'items', node = '', inside = ''): string =>
  `<query xmlns="http://jabber.org/protocol/disco#${what}" ${node && `node="${node}"`}>${inside}</query>`

const features = async (client: Client, to = ROOM): Promise<string[]> =>
  (await askRoom(client, 'get', query('info'), to))
    .first()!
    .elements()
    .filter(({ name }) => name === 'feature')
    .map(({ attrs }) => attrs['var']!)

const itemsOf = async (client: Client, to: string, inside = ''): Promise<string[]> =>
  (await askRoom(client, 'get', query('items', '', inside), to))
    .first()!
    .elements()
    .map(({ attrs }) => attrs['jid'] ?? '')

story(
  'XEP-0045 §6.1, §6.2: the service is among what belongs to the server, and says what it is',
  async world => {
    const hag = await world.online('hag66')
    assert.ok((await itemsOf(hag, 'here.example')).includes(SERVICE))
    const info = String(await askRoom(hag, 'get', query('info'), SERVICE))
    assert.match(info, /<identity category='conference' type='text'/)
    for (const feature of [MUC, `${MUC}#stable_id`, 'urn:xmpp:occupant-id:0']) assert.ok((await features(hag, SERVICE)).includes(feature))
    assert.equal(conditionIn(await askRoom(hag, 'get', query('info', 'x'), SERVICE)), 'item-not-found')
  },
  open,
)

story(
  'XEP-0045 §6.3: rooms that can be found, and no others; in pages where these are many',
  async world => {
    const crone = await world.online('crone1', 'desktop')
    for (const name of ['heath', 'coven', 'forres', 'inverness']) await opens(crone, 'crone', `${name}@${SERVICE}`)
    configured(world, { isPublic: false }, 'forres')
    await world.host.apiOf(muc)!.rooms.change(roomIn(world, 'heath'), state => {
      state.config = { ...state.config, isPersistent: true, name: 'A Lonely Heath' }
    })
    const hag = await world.online('hag66')
    const all = await askRoom(hag, 'get', query('items'), SERVICE)
    assert.deepEqual(
      all
        .first()!
        .elements()
        .map(({ attrs }) => [attrs['jid'], attrs['name']]),
      [
        [`heath@${SERVICE}`, 'A Lonely Heath'],
        [`coven@${SERVICE}`, 'coven'],
        [`inverness@${SERVICE}`, 'inverness'],
      ],
    )
    const page = await askRoom(hag, 'get', query('items', '', '<set xmlns="http://jabber.org/protocol/rsm"><max>2</max></set>'), SERVICE)
    assert.match(String(page), new RegExp(`<last>coven@${SERVICE}</last><count>3</count>`))
  },
  open,
)

story(
  'XEP-0059: of very many rooms a page is read and not all, and every page follows another one',
  async world => {
    const crone = await world.online('crone1')
    const { rows } = world.host.apiOf(muc)!.rooms
    const kept = Array.from({ length: 9 }, (_, i) => `kept${i}`)
    for (const name of kept) {
      const state = await rows.create(name, 'crone1@here.example', { ...USUAL_PUBLIC, isPersistent: true })
      await world.store.tx(db => rows.putAll(state, db))
    }
    for (const name of ['brief0', 'brief1', 'brief2']) await opens(crone, 'crone', `${name}@${SERVICE}`)
    const expected = [...kept, 'brief0', 'brief1', 'brief2'].map(name => `${name}@${SERVICE}`)
    let read = 0
    const all = world.store.all.bind(world.store)
    world.store.all = async query => {
      const found = await all(query)
      read += found.length
      return found as never
    }
    const page = async (inside: string): Promise<string[]> => {
      const set = `<set xmlns="http://jabber.org/protocol/rsm"><max>4</max>${inside}</set>`
      return (await itemsOf(crone, SERVICE, set)).slice(0, -1)
    }
    assert.deepEqual(await page(''), expected.slice(0, 4))
    assert.ok(read <= 6, `${read} rows were read`)
    assert.deepEqual(await page(`<after>${expected[3]}</after>`), expected.slice(4, 8))
    assert.deepEqual(await page(`<after>${expected[7]}</after>`), expected.slice(8))
    assert.deepEqual(await page(`<after>${expected[11]}</after>`), [])
    assert.deepEqual(await page('<before/>'), expected.slice(8))
    assert.deepEqual(await page(`<before>${expected[10]}</before>`), expected.slice(6, 10))
    assert.deepEqual(await page('<index>7</index>'), expected.slice(7, 11))
    for (const nowhere of [`no@${SERVICE}`, 'kept0@other.example', 'kept0']) {
      const set = `<set xmlns="http://jabber.org/protocol/rsm"><after>${nowhere}</after></set>`
      assert.equal(conditionIn(await askRoom(crone, 'get', query('items', '', set), SERVICE)), 'item-not-found')
    }
  },
  open,
)

story(
  'nor is it read without end',
  async world => {
    const crone = await world.online('crone1')
    for (let i = 0; i < 5; i++) assert.equal(conditionIn(await askRoom(crone, 'get', query('items'), SERVICE)), undefined)
    assert.equal(conditionIn(await askRoom(crone, 'get', query('items'), SERVICE)), 'policy-violation')
  },
  { settings: { muc: { requests: 5 } } },
)

story(
  'XEP-0045 §6.4: a room says how it is',
  async world => {
    const [, hag] = await coven(world, 'thirdwitch')
    const kinds = async (): Promise<string[]> => (await features(hag!)).filter(name => name.startsWith('muc_')).sort()
    assert.deepEqual(await kinds(), ['muc_open', 'muc_public', 'muc_semianonymous', 'muc_temporary', 'muc_unmoderated', 'muc_unsecured'])
    const config = {
      name: 'A Dark Cave',
      description: 'The place for all good witches!',
      language: 'en',
      changeSubject: true,
      pubsub: 'xmpp:x?;node=y',
    }
    configured(world, {
      ...config,
      isPublic: false,
      isMembersOnly: true,
      isModerated: true,
      whois: 'anyone',
      password: 'x',
      isPersistent: true,
    })
    assert.deepEqual(await kinds(), [
      'muc_hidden',
      'muc_membersonly',
      'muc_moderated',
      'muc_nonanonymous',
      'muc_passwordprotected',
      'muc_persistent',
    ])
    const said = await features(hag!)
    for (const feature of [MUC, `${MUC}#stable_id`, 'urn:xmpp:occupant-id:0', 'urn:xmpp:sid:0']) assert.ok(said.includes(feature))
    for (const feature of ['register', 'roomconfig', 'roominfo']) assert.ok(said.includes(`${MUC}#${feature}`), '§16.3')
    assert.ok(said.includes('jabber:iq:register'), 'XEP-0077 §10: SHOULD')
    const info = String(await askRoom(hag!, 'get', query('info')))
    assert.match(info, /<identity category='conference' type='text' name='A Dark Cave'\/>/)
    for (const [name, value] of [
      ['muc#roominfo_description', 'The place for all good witches!'],
      ['muc#roominfo_occupants', '2'],
      ['muc#roominfo_lang', 'en'],
      ['muc#roomconfig_changesubject', '1'],
      ['muc#maxhistoryfetch', '20'],
      ['muc#roomconfig_pubsub', 'xmpp:x?;node=y'],
    ] as const)
      assert.match(info.replaceAll('\n', ''), new RegExp(`var='${name}'[^>]*><value>${value.replace('?', '\\?')}</value>`), name)
    configured(world, { isPersistent: false })
  },
  open,
)

story(
  'XEP-0045 §14.4: of what is talked about in a room those learn by asking who may hear it',
  async world => {
    const [crone] = await coven(world)
    const hag = await world.online('hag66')
    await crone.sends(`<message type="groupchat" to="${ROOM}"><subject>Spells</subject></message>`)
    const subject = async (client: Client): Promise<string | undefined> =>
      /roominfo_subject'[^>]*><value>([^<]*)/.exec(String(await askRoom(client, 'get', query('info'))))?.[1]
    assert.equal(await subject(hag), 'Spells')
    for (const closed of [{ isMembersOnly: true }, { password: 'cauldronburn' }]) {
      configured(world, { isMembersOnly: false, password: '', ...closed })
      assert.equal(await subject(hag), undefined)
      assert.equal(await subject(crone), 'Spells')
    }
    affiliated(world, 'hag66@here.example', 'member')
    assert.equal(await subject(hag), 'Spells')
    affiliated(world, 'hag66@here.example', 'outcast')
    configured(world, { password: '' })
    assert.equal(await subject(hag), undefined)
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'a hidden room is not there for those who may not enter it',
  async world => {
    await coven(world)
    const hag = await world.online('hag66')
    configured(world, { isPublic: false, isMembersOnly: true })
    for (const payload of [
      query('info'),
      query('items'),
      query('info', 'x-roomuser-item'),
      '<ping xmlns="urn:xmpp:ping"/>',
      '<x xmlns="y"/>',
    ]) {
      const [there, not] = [await askRoom(hag, 'get', payload), await askRoom(hag, 'get', payload, `nowhere@${SERVICE}`)]
      assert.equal(conditionIn(there), 'item-not-found')
      const same = (text: unknown): string =>
        String(text)
          .replace(/id='[^']*'/, '')
          .replaceAll('nowhere', 'coven')
      assert.equal(same(there), same(not))
    }
    affiliated(world, 'hag66@here.example', 'member')
    assert.ok((await features(hag)).includes('muc_hidden'))
    affiliated(world, 'hag66@here.example', 'outcast')
    configured(world, { isMembersOnly: false })
    assert.equal(conditionIn(await askRoom(hag, 'get', query('info'))), 'item-not-found')
  },
  open,
)

story(
  'XEP-0045 §6.5: who is in the room is told to those who are in it',
  async world => {
    const [crone] = await coven(world, 'secondwitch')
    assert.deepEqual(await itemsOf(crone, ROOM), [`${ROOM}/firstwitch`, `${ROOM}/secondwitch`])
    const hag = await world.online('hag66')
    assert.deepEqual(await itemsOf(hag, ROOM), [], 'MUST return an empty query')
  },
  open,
)

story(
  'XEP-0045 §7.12: a room knows the nick that is reserved for somebody; §18.1.1: nothing is kept from passing',
  async world => {
    await coven(world)
    const hag = await world.online('hag66')
    const nick = async (): Promise<string | undefined> =>
      (await askRoom(hag, 'get', query('info', 'x-roomuser-item'))).first()!.first()?.attrs['name']
    assert.equal(await nick(), undefined, 'MUST return an empty query')
    affiliated(world, 'hag66@here.example', 'member', 'thirdwitch')
    assert.equal(await nick(), 'thirdwitch')
    assert.equal(conditionIn(await askRoom(hag, 'get', query('info', `${MUC}#traffic`))), 'service-unavailable', 'MUST')
    assert.equal(conditionIn(await askRoom(hag, 'get', query('info', 'other'))), 'item-not-found')
    assert.equal(conditionIn(await askRoom(hag, 'get', query('items', 'other'))), 'item-not-found')
  },
  open,
)

/** XEP-0045 §6, §7.12, §18.1.1: what the service and its rooms are. */
import assert from 'node:assert/strict'
import { affiliated, askRoom, conditionIn, configured, coven, open, opens, ROOM, roomIn, SERVICE } from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'

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
    await world.host.apiOf((await import('./muc.ts')).muc)!.rooms.change(roomIn(world, 'heath'), state => {
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
        [`coven@${SERVICE}`, 'coven'],
        [`heath@${SERVICE}`, 'A Lonely Heath'],
        [`inverness@${SERVICE}`, 'inverness'],
      ],
    )
    const page = await askRoom(hag, 'get', query('items', '', '<set xmlns="http://jabber.org/protocol/rsm"><max>2</max></set>'), SERVICE)
    assert.match(String(page), new RegExp(`<last>heath@${SERVICE}</last><count>3</count>`))
  },
  open,
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

/** XEP-0045 §10: making rooms, configuring and destroying them. */
import assert from 'node:assert/strict'
import {
  affiliated,
  askRoom,
  codesOf,
  conditionIn,
  configures,
  coven,
  forgets,
  heard,
  item,
  joins,
  joinXml,
  list,
  MUC,
  OWNER,
  open,
  presence,
  ROOM,
  roomIn,
  submit,
  tells,
  USER,
} from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { readForm } from '../../xmpp/forms.ts'
import { muc } from './muc.ts'

const query = (inside = ''): string => `<query xmlns="${OWNER}">${inside}</query>`

const withSecrets = { ...open, arrangements: { showsPasswords: false, secrets: 'file' } } as const

/** The status codes of messages from the room, in their order; nothing else is in these. */
function notified(client: Client): number[] {
  return heard(client, 'message').map(message => {
    assert.equal(message.attrs['type'], 'groupchat')
    assert.equal(message.attrs['from'], ROOM)
    const [code, ...more] = codesOf(message)
    assert.equal(more.length, 0, '§10.2.1: only a <status/>')
    return code!
  })
}

tells('XEP-0045 §10.1.1, §10.1.2: a room is locked until its owner says that it shall be as it is', async world => {
  const crone = await world.online('crone1', 'desktop')
  await crone.sends(joinXml('firstwitch'))
  const own = crone.receives(presence('firstwitch', item('owner', 'moderator')))
  assert.deepEqual(codesOf(own).toSorted(), [110, 201], '§10.1.1: MUST')
  forgets(world)
  const hag = await world.online('hag66')
  await hag.sends(joinXml('thirdwitch'))
  hag.receivesError('join', 'item-not-found')
  await crone.sends(`<iq type="set" id="create1" to="${ROOM}">${query('<x xmlns="jabber:x:data" type="submit"/>')}</iq>`)
  crone.receives(`<iq type="result" id="create1" from="${ROOM}"/>`)
  await joins(hag, 'thirdwitch')
})

tells('XEP-0045 §10.1.3: a reserved room is configured before anybody may enter', async world => {
  const crone = await world.online('crone1', 'desktop')
  await joins(crone, 'firstwitch')
  const answer = await askRoom(crone, 'get', query())
  const form = readForm(answer.first()!.first())
  assert.equal(form.formType, `${MUC}#roomconfig`)
  assert.equal(form.type, 'form')
  const submitted = {
    'muc#roomconfig_roomname': 'A Dark Cave',
    'muc#roomconfig_changesubject': '1',
    'muc#roomconfig_maxusers': '10',
    'muc#roomconfig_publicroom': '0',
    'muc#roomconfig_passwordprotectedroom': '1',
    'muc#roomconfig_roomsecret': 'cauldronburn',
    'muc#roomconfig_whois': 'moderators',
    'muc#maxhistoryfetch': '50',
    'muc#roomconfig_roomadmins': ['wiccarocks@here.example', 'hecate@here.example'],
  }
  assert.equal(await configures(crone, submitted), 'ok')
  const { config, affiliations } = roomIn(world)
  assert.equal(config.name, 'A Dark Cave')
  assert.equal(config.password, 'cauldronburn')
  assert.deepEqual([...affiliations.having('admin')], ['wiccarocks@here.example', 'hecate@here.example'])
  const hag = await world.online('hag66')
  await hag.sends(joinXml('thirdwitch'))
  hag.receivesError('join', 'not-authorized')
  await joins(hag, 'thirdwitch', ROOM, '<password>cauldronburn</password>')
  forgets(world)
})

tells('XEP-0045 §10.1.3: what cannot be is not acceptable, and the room stays locked; cancelled, it is no more', async world => {
  const crone = await world.online('crone1', 'desktop')
  await joins(crone, 'firstwitch')
  assert.equal(await configures(crone, { 'muc#roomconfig_passwordprotectedroom': '1' }), 'not-acceptable', '§10.1.3: MUST')
  assert.equal(roomIn(world).isLocked, true)
  assert.equal(conditionIn(await askRoom(crone, 'set', query('<x xmlns="jabber:x:data" type="form"/>'))), 'bad-request')
  assert.equal(conditionIn(await askRoom(crone, 'set', query())), 'bad-request')
  await crone.sends(`<iq type="set" id="create2" to="${ROOM}">${query('<x xmlns="jabber:x:data" type="cancel"/>')}</iq>`)
  crone.receives(presence('firstwitch', `<x xmlns="${USER}"><item affiliation="none" role="none"/><destroy/></x>`, 'type="unavailable"'))
  crone.receives('<iq type="result" id="create2"/>')
  assert.equal(world.host.apiOf(muc)!.rooms.at('coven').room, undefined)
})

story(
  'XEP-0045 §10.1.3: nor is it open if it names too many people',
  async world => {
    const crone = await world.online('crone1', 'desktop')
    await joins(crone, 'firstwitch')
    const admins = ['a@here.example', 'b@here.example']
    assert.equal(await configures(crone, { 'muc#roomconfig_roomadmins': admins }), 'resource-constraint')
    assert.equal(roomIn(world).isLocked, true)
    assert.equal(roomIn(world).affiliations.size, 1)
    forgets(world)
  },
  { settings: { muc: { newRooms: 'public', affiliations: 2 } } },
)

tells('XEP-0045 §10.1.3: an owner who goes before leaves no room behind', async world => {
  const crone = await world.online('crone1', 'desktop')
  await joins(crone, 'firstwitch')
  await crone.sends(`<presence type="unavailable" to="${ROOM}/firstwitch"/>`)
  const own = crone.receives(presence('firstwitch', `<x xmlns="${USER}"><item role="none"/><destroy/></x>`, 'type="unavailable"'))
  assert.deepEqual(codesOf(own), [110], '§10.1.3: MUST include <destroy/>, §7.14: MUST include 110')
  await joins(crone, 'firstwitch')
  await crone.leaves()
  const hag = await world.online('hag66')
  await hag.sends(joinXml('thirdwitch'))
  assert.ok(codesOf(heard(hag, 'presence')[0]!).includes(201), 'it is another room')
  forgets(world)
})

tells('XEP-0045 §10.2: nobody but owners configures, and an owner later, too', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  affiliated(world, 'witch2@here.example', 'admin')
  assert.equal(conditionIn(await askRoom(wicca!, 'get', query())), 'forbidden')
  assert.equal(await configures(wicca!, { 'muc#roomconfig_roomname': 'Mine' }), 'forbidden')
  assert.equal(await configures(wicca!, { 'muc#roomconfig_roomowners': 'witch2@here.example' }), 'forbidden')
  assert.equal(conditionIn(await askRoom(wicca!, 'set', query('<destroy/>'))), 'forbidden', '§10.9: MUST')
  assert.equal(await configures(crone, { 'muc#roomconfig_roomname': 'A Dark Cave' }), 'ok')
  const form = readForm((await askRoom(crone, 'get', query())).first()!.first())
  assert.equal(form.text('muc#roomconfig_roomname'), 'A Dark Cave')
  assert.deepEqual(form.values('muc#roomconfig_roomowners'), ['crone1@here.example'])
  assert.equal((await askRoom(crone, 'set', query('<x xmlns="jabber:x:data" type="cancel"/>'))).attrs['type'], 'result')
  assert.equal(roomIn(world).config.name, 'A Dark Cave')
  forgets(world)
})

tells('XEP-0045 §10.2.1: all hear what concerns their privacy, and that anything else has changed', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  for (const [fields, codes] of [
    // Nothing is kept of what does not stay.
    [{ 'muc#roomconfig_enablearchiving': '1' }, [104]],
    [{ 'muc#roomconfig_persistentroom': '1' }, [170, 104]],
    [{ 'muc#roomconfig_enablearchiving': '0' }, [171]],
    [{ 'muc#roomconfig_whois': 'anyone' }, [172]],
    [{ 'muc#roomconfig_whois': 'moderators' }, [173]],
    [{ 'muc#roomconfig_roomname': 'A Dark Cave' }, [104]],
    [{ 'muc#roomconfig_slow_mode_duration': '20' }, [104]],
    [{ 'muc#roomconfig_whois': 'anyone', 'muc#roomconfig_enablearchiving': '1', 'muc#roomconfig_lang': 'en' }, [170, 172, 104]],
    [{}, []],
  ] as const) {
    assert.equal(await configures(crone, fields), 'ok')
    assert.deepEqual(notified(hag!), codes, `${JSON.stringify(fields)}: §10.2.1: MUST`)
    assert.deepEqual(notified(crone), codes)
  }
})

tells('XEP-0045 §10.2: the owner whose answer it is has it before he hears what all hear', async world => {
  const [crone] = await coven(world)
  await crone.sends(`<iq type="set" id="c1" to="${ROOM}">${query(submit(`${MUC}#roomconfig`, { 'muc#roomconfig_roomname': 'Cave' }))}</iq>`)
  crone.receives('<iq type="result" id="c1"/>')
  crone.receives(`<message type="groupchat"><x xmlns="${USER}"><status code="104"/></x></message>`)
})

tells('XEP-0045 §10.2: when it becomes members-only, those leave who are none', async world => {
  const [crone, wicca, hag, witch] = await coven(world, 'secondwitch', 'thirdwitch', 'fourthwitch')
  affiliated(world, 'witch2@here.example', 'member')
  assert.equal(await configures(crone, { 'muc#roomconfig_membersonly': '1' }), 'ok')
  for (const [client, nick] of [
    [hag!, 'thirdwitch'],
    [witch!, 'fourthwitch'],
  ] as const) {
    const presences = heard(client, 'presence')
    assert.deepEqual(
      presences.map(each => [each.attrs['from'], codesOf(each).toSorted()]),
      [[`${ROOM}/${nick}`, [110, 322]]],
      '§10.2: MUST; of the others who leave nobody hears who leaves',
    )
  }
  assert.deepEqual(
    heard(wicca!, 'presence').map(each => [each.attrs['from'], codesOf(each)]),
    [
      [`${ROOM}/thirdwitch`, [322]],
      [`${ROOM}/fourthwitch`, [322]],
    ],
  )
  forgets(world)
})

tells('XEP-0045 §10.2, §10.5, §10.8: the form names all owners and admins', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  assert.equal(await configures(crone, { 'muc#roomconfig_roomowners': 'witch2@here.example' }), 'ok')
  hag!.receives(presence('firstwitch', item('admin', 'moderator')))
  hag!.receives(presence('secondwitch', item('owner', 'moderator')))
  forgets(world)
  assert.equal(await configures(wicca!, { 'muc#roomconfig_roomowners': ['witch2@here.example'], 'muc#roomconfig_roomadmins': [] }), 'ok')
  hag!.receives(presence('firstwitch', item('none', 'participant')))
  forgets(world)
  assert.equal(await configures(crone, {}), 'forbidden')
  assert.equal(await configures(wicca!, { 'muc#roomconfig_roomowners': [] }), 'conflict', '§10.2: MUST NOT')
  assert.equal(await configures(wicca!, { 'muc#roomconfig_roomadmins': ['witch2@here.example', 'witch3@here.example'] }), 'ok')
  assert.deepEqual([...roomIn(world).affiliations.having('owner')], ['witch2@here.example'], 'an owner stays one')
  assert.deepEqual([...roomIn(world).affiliations.having('admin')], ['witch3@here.example'])
  assert.equal(await configures(wicca!, { 'muc#roomconfig_roomadmins': [] }), 'ok')
  assert.deepEqual([...roomIn(world).affiliations.having('admin')], [])
  forgets(world)
})

tells('when a room is moderated no longer, all may speak', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  assert.equal(await configures(crone, { 'muc#roomconfig_moderatedroom': '1' }), 'ok')
  const late = await world.online('hag66')
  await late.sends(joinXml('latewitch'))
  assert.equal(roomIn(world).occupants.named('latewitch')!.role, 'visitor')
  assert.equal(roomIn(world).occupants.named('thirdwitch')!.role, 'participant', 'who could speak may')
  forgets(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_moderatedroom': '0' }), 'ok')
  assert.equal(heard(hag!, 'presence').length, 1)
  late.receives(`<message><x xmlns="${USER}"><status code="104"/></x></message>`)
  late.receives(presence('latewitch', item('none', 'participant')))
  forgets(world)
})

tells('XEP-0045 §10.9: a room is destroyed, and everybody hears why, and where to go', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  await crone.sends(
    `<iq type="set" id="begone" to="${ROOM}">${query(
      '<destroy jid="heath@conference.here.example"><reason>Macbeth doth come.</reason><password>thane</password></destroy>',
    )}</iq>`,
  )
  for (const [client, nick] of [
    [crone, 'firstwitch'],
    [wicca!, 'secondwitch'],
  ] as const) {
    client.receives(
      presence(
        nick,
        `<x xmlns="${USER}"><item affiliation="none" role="none"/>
          <destroy jid="heath@conference.here.example"><reason>Macbeth doth come.</reason><password>thane</password></destroy></x>`,
        'type="unavailable"',
      ),
    )
  }
  crone.receives('<iq type="result" id="begone"/>')
  await wicca!.sends(`<message type="groupchat" to="${ROOM}" id="m1"><body>Hello?</body></message>`)
  wicca!.receivesError('m1', 'item-not-found')
})

story(
  'XEP-0045 §10.9: also one that lasts, from outside, and with all that was kept of it',
  async world => {
    const [crone] = await coven(world)
    assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
    const { id } = roomIn(world).state
    assert.ok(world.shred.account(id) !== undefined)
    await crone.sends(`<presence type="unavailable" to="${ROOM}/firstwitch"/>`)
    forgets(world)
    assert.equal(conditionIn(await askRoom(crone, 'set', query('<destroy jid="not@an@address"/>'))), 'jid-malformed')
    assert.equal((await askRoom(crone, 'set', query('<destroy/>'))).attrs['type'], 'result')
    assert.deepEqual(await world.store.all(sql`SELECT name FROM muc_room`), [])
    assert.deepEqual(await world.store.all(sql`SELECT room FROM muc_affiliation`), [])
    assert.equal(world.shred.account(id), undefined)
    world.restarts()
    assert.equal(await list(await world.online('crone1'), 'affiliation="owner"'), 'item-not-found')
  },
  withSecrets,
)

tells('a room that lasts is there when nobody is in it, and after a restart; another one is not', async world => {
  const [crone] = await coven(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_roomname': 'A Dark Cave' }), 'ok')
  world.restarts()
  const hag = await world.online('hag66')
  await joins(hag, 'thirdwitch')
  assert.equal(roomIn(world).config.name, 'A Dark Cave')
  const again = await world.online('crone1')
  assert.equal(await configures(again, { 'muc#roomconfig_persistentroom': '0' }), 'ok')
  assert.deepEqual(await world.store.all(sql`SELECT name FROM muc_room`), [])
  forgets(world)
  assert.equal(await configures(again, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  await hag.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  world.restarts()
  assert.equal(((await list(await world.online('crone1'), 'affiliation="owner"')) as unknown[]).length, 1)
})

story(
  'a room that does not last has a secret only if it once did, and takes it along with the last one who was in it',
  async world => {
    const [crone] = await coven(world)
    const { id } = roomIn(world).state
    assert.equal(world.shred.account(id), undefined)
    for (const lasts of ['1', '0']) assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': lasts }), 'ok')
    assert.ok(world.shred.account(id) !== undefined)
    forgets(world)
    await crone.sends(`<presence type="unavailable" to="${ROOM}/firstwitch"/>`)
    assert.equal(world.shred.account(id), undefined)
    assert.deepEqual(await world.store.all(sql`SELECT * FROM doomed_secret`), [])
    forgets(world)
  },
  withSecrets,
)

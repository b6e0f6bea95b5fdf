/** XEP-0045 §7.5: from one occupant to another. */
import assert from 'node:assert/strict'
import { configured, coven, Elsewhere, joins, joinXml, OCCUPANT, open, ROOM, USER } from '../../../test/muc-story.ts'
import { story } from '../../../test/story.ts'

const whisper = (nick: string, type = 'type="chat"', inside = ''): string =>
  `<message ${type} id="hgn27af1" to="${ROOM}/${nick}"><body>I'll give thee a wind.</body>${inside}</message>`

story(
  'XEP-0045 §7.5: a private message comes to all clients of one occupant, from the other one',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    const desk = await world.online('witch2', 'desk')
    await joins(desk, 'secondwitch')
    await crone.sends(whisper('secondwitch'))
    for (const client of [wicca!, desk]) {
      const told = client.receives(`<message type="chat" id="hgn27af1" from="${ROOM}/firstwitch" to="${client.session.jid}">
        <body>I'll give thee a wind.</body><x xmlns="${USER}"/><occupant-id xmlns="${OCCUPANT}" id="*"/></message>`)
      assert.doesNotMatch(String(told), /crone1/)
    }
    await crone.sends(whisper('secondwitch', '', `<x xmlns="${USER}"/>`))
    const told = wicca!.receives(`<message><x xmlns="${USER}"/></message>`)
    assert.equal(told.elements().filter(({ ns }) => ns === USER).length, 1)
    desk.forget()
  },
  open,
)

story(
  'XEP-0045 §7.5: what is for all is not sent to one, nor to nobody, nor by strangers',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    await crone.sends(whisper('secondwitch', 'type="groupchat"'))
    crone.receivesError('hgn27af1', 'bad-request')
    await crone.sends(whisper('thirdwitch'))
    crone.receivesError('hgn27af1', 'item-not-found')
    await crone.sends(whisper('SECONDWITCH'))
    crone.receivesError('hgn27af1', 'item-not-found')
    const hag = await world.online('hag66')
    await hag.sends(whisper('secondwitch'))
    hag.receivesError('hgn27af1', 'not-acceptable')
    wicca!.receivesNothing()
  },
  open,
)

story(
  'XEP-0045 §7.5: the room’s configuration says who may (muc#roomconfig_allowpm)',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    configured(world, { allowPm: 'moderators' })
    await wicca!.sends(whisper('firstwitch'))
    wicca!.receivesError('hgn27af1', 'forbidden')
    await crone.sends(whisper('secondwitch'))
    wicca!.receives('<message type="chat"/>')
    configured(world, { allowPm: 'none' })
    await crone.sends(whisper('secondwitch'))
    crone.receivesError('hgn27af1', 'forbidden')
  },
  open,
)

story(
  'a private message that comes back does so from the occupant, and tells nothing of his address',
  async world => {
    const [crone] = await coven(world)
    const hag = new Elsewhere(world).user('hag66@there.example/pda')
    await hag.sends(joinXml('thirdwitch'))
    hag.forget()
    crone.forget()
    await crone.sends(whisper('thirdwitch'))
    hag.receives(`<message type="chat" from="${ROOM}/firstwitch" id="hgn27af1"/>`)
    const error = (id: string, condition: string): string =>
      `<message type="error" id="${id}" to="${ROOM}/firstwitch"><error type="cancel" by="hag66@there.example"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
    await hag.sends(error('other', 'service-unavailable'))
    crone.receivesNothing()
    hag.receives('<iq type="get"><ping xmlns="urn:xmpp:ping"/></iq>')
    await hag.sends(error('hgn27af1', 'not-acceptable'))
    crone.receivesError('hgn27af1', 'not-acceptable')
    await crone.sends(whisper('thirdwitch'))
    hag.forget()
    await hag.sends(error('hgn27af1', 'service-unavailable'))
    const told = crone.receives(`<message type="error" from="${ROOM}/thirdwitch"/>`)
    assert.doesNotMatch(String(told), /hag66/)
    assert.equal(told.elements().filter(({ ns }) => ns === OCCUPANT).length, 1, 'XEP-0421 §4: MUST be attached to every message')
    hag.receivesNothing()
  },
  open,
)

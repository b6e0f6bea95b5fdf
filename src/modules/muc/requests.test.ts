/** XEP-0045 §6.6 and §17.4: requests through a room; XEP-0410: whether one is still in it. */
import assert from 'node:assert/strict'
import { askRoom, conditionIn, coven, Elsewhere, joins, joinXml, open, ROOM, SERVICE } from '../../../test/muc-story.ts'
import { answerTo } from '../../../test/pubsub-story.ts'
import { type Client, story } from '../../../test/story.ts'

const PING = '<ping xmlns="urn:xmpp:ping"/>'
const VERSION = '<query xmlns="jabber:iq:version"/>'

/** Through the room; gives the id under which it came to the second witch. */
async function asks(client: Client, second: Client): Promise<string> {
  await client.sends(`<iq type="get" id="v1" to="${ROOM}/secondwitch">${VERSION}</iq>`)
  return second.receives('<iq/>').attrs['id']!
}
const INFO = '<query xmlns="http://jabber.org/protocol/disco#info"/>'

story(
  'XEP-0410 §3.3: who asks for himself is answered at once whether he is in the room',
  async world => {
    const [, wicca] = await coven(world, 'secondwitch')
    assert.equal((await askRoom(wicca!, 'get', PING, `${ROOM}/secondwitch`)).attrs['type'], 'result')
    const desk = await world.online('witch2', 'desk')
    assert.equal(conditionIn(await askRoom(desk, 'get', PING, `${ROOM}/secondwitch`)), 'not-acceptable', 'each client for itself')
    assert.equal(conditionIn(await askRoom(desk, 'get', PING, `nowhere@${SERVICE}/secondwitch`)), 'not-acceptable')
    await joins(desk, 'secondwitch')
    assert.equal((await askRoom(desk, 'get', PING, `${ROOM}/secondwitch`)).attrs['type'], 'result')
    const info = String(await askRoom(desk, 'get', INFO))
    assert.match(info, /http:\/\/jabber.org\/protocol\/muc#self-ping-optimization/, 'MUST advertise')
  },
  open,
)

story(
  'XEP-0045 §6.6: who is not in the room asks nothing of those who are',
  async world => {
    await coven(world, 'secondwitch')
    const hag = await world.online('hag66')
    for (const room of [ROOM, `nowhere@${SERVICE}`]) {
      assert.equal(conditionIn(await askRoom(hag, 'get', INFO, `${room}/secondwitch`)), 'bad-request', 'MUST')
      assert.equal(conditionIn(await askRoom(hag, 'get', VERSION, `${room}/secondwitch`)), 'not-acceptable')
    }
  },
  open,
)

story(
  'XEP-0045 §17.4: a request goes to the occupant and comes back, and neither learns the other’s address',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    await crone.sends(`<iq type="get" id="v1" to="${ROOM}/secondwitch">${VERSION}</iq>`)
    const asked = wicca!.receives(`<iq type="get" from="${ROOM}/firstwitch" to="witch2@here.example/broom">${VERSION}</iq>`)
    assert.notEqual(asked.attrs['id'], 'v1')
    assert.doesNotMatch(String(asked), /crone1/)
    const answer = (id: string): string =>
      `<iq type="result" id="${id}" to="${ROOM}/firstwitch"><query xmlns="jabber:iq:version"><name>Broom</name></query></iq>`
    await wicca!.sends(answer('guessed'))
    crone.receivesNothing()
    await wicca!.sends(answer(asked.attrs['id']!))
    const answered = crone.receives(
      `<iq type="result" id="v1" from="${ROOM}/secondwitch"><query xmlns="jabber:iq:version"><name>Broom</name></query></iq>`,
    )
    assert.doesNotMatch(String(answered), /witch2/)
    await wicca!.sends(answer(asked.attrs['id']!))
    crone.receivesNothing()
    assert.equal(conditionIn(await askRoom(crone, 'get', VERSION, `${ROOM}/thirdwitch`)), 'item-not-found')
  },
  open,
)

story(
  'XEP-0045 §17.4: an error tells nothing either; nobody answers for another; who has left hears nothing',
  async world => {
    const [crone, wicca, third] = await coven(world, 'secondwitch', 'thirdwitch')
    const fail = (id: string): string =>
      `<iq type="error" id="${id}" to="${ROOM}/firstwitch"><error type="cancel" by="witch2@here.example"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`
    const id = await asks(crone, wicca!)
    await third!.sends(fail(id))
    crone.receivesNothing()
    await wicca!.sends(fail(id))
    const failed = crone.receives(`<iq type="error" id="v1" from="${ROOM}/secondwitch"/>`)
    assert.doesNotMatch(String(failed), /witch2/)
    const other = await asks(crone, wicca!)
    await crone.sends(`<presence type="unavailable" to="${ROOM}/firstwitch"/>`)
    for (const client of [crone, wicca!, third!]) client.forget()
    await wicca!.sends(fail(other))
    crone.receivesNothing()
  },
  open,
)

for (const condition of ['gone', 'redirect'])
  story(
    `XEP-0045 §17.4: an error does not tell either where somebody is now: ${condition}`,
    async world => {
      const [crone, wicca] = await coven(world, 'secondwitch')
      const error = `<error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">xmpp:witch2@new.example</${condition}></error>`
      await crone.sends(`<iq type="get" id="v1" to="${ROOM}/secondwitch">${VERSION}</iq>`)
      const id = wicca!.receives('<iq/>').attrs['id']
      await wicca!.sends(`<iq type="error" id="${id}" to="${ROOM}/firstwitch">${error}</iq>`)
      const failed = crone.receives(`<iq type="error" id="v1" from="${ROOM}/secondwitch"/>`)
      assert.equal(conditionIn(failed), condition)
      assert.doesNotMatch(String(failed), /witch2/)
      await crone.sends(`<message type="chat" id="p1" to="${ROOM}/secondwitch"><body>Psst</body></message>`)
      wicca!.receives('<message id="p1"/>')
      await wicca!.sends(`<message type="error" id="p1" to="${ROOM}/firstwitch">${error}</message>`)
      assert.doesNotMatch(String(crone.receives('<message type="error" id="p1"/>')), /witch2/)
      crone.receives('<presence type="unavailable"/>')
      wicca!.forget()
    },
    open,
  )

story(
  'however much somebody asks, the answers to others find their way; for five minutes',
  async world => {
    const [crone, wicca, third] = await coven(world, 'secondwitch', 'thirdwitch')
    const answer = (id: string): string => `<iq type="result" id="${id}" to="${ROOM}/firstwitch">${VERSION}</iq>`
    const first = await asks(crone, wicca!)
    await crone.sends(`<message type="chat" id="p1" to="${ROOM}/secondwitch"><body>Psst</body></message>`)
    for (let i = 0; i < 250; i++) {
      if (i % 100 === 0) await world.later(60_000)
      await third!.sends(`<iq type="get" id="t${i}" to="${ROOM}/secondwitch">${VERSION}</iq>`)
    }
    await wicca!.sends(answer(first))
    crone.receives('<iq type="result" id="v1"/>')
    wicca!.forget()
    const late = await asks(crone, wicca!)
    await world.later(300_000)
    await wicca!.sends(answer(late))
    crone.receivesNothing()
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'a card is asked of the account of an occupant (XEP-0054)',
  async world => {
    const [crone] = await coven(world)
    const hag = new Elsewhere(world).user('hag66@there.example/pda')
    await hag.sends(joinXml('thirdwitch'))
    hag.forget()
    crone.forget()
    await crone.sends(`<iq type="get" id="c1" to="${ROOM}/thirdwitch"><vCard xmlns="vcard-temp"/></iq>`)
    const asked = hag.receives(`<iq type="get" from="${ROOM}/firstwitch" to="hag66@there.example"><vCard xmlns="vcard-temp"/></iq>`)
    await world.arrives(
      `<iq type="result" id="${asked.attrs['id']}" from="hag66@there.example" to="${ROOM}/firstwitch"><vCard xmlns="vcard-temp"><FN>Hag</FN></vCard></iq>`,
    )
    crone.receives(`<iq type="result" id="c1" from="${ROOM}/thirdwitch"><vCard xmlns="vcard-temp"><FN>Hag</FN></vCard></iq>`)
  },
  open,
)

story(
  'a request to the room that it does not know, or to a room that is not there',
  async world => {
    const [crone] = await coven(world)
    assert.equal(conditionIn(await askRoom(crone, 'get', VERSION)), 'service-unavailable')
    assert.equal(conditionIn(await askRoom(crone, 'get', VERSION, `nowhere@${SERVICE}`)), 'item-not-found')
    assert.equal((await askRoom(crone, 'get', PING)).attrs['type'], 'result')
    assert.equal((await askRoom(crone, 'get', PING, SERVICE)).attrs['type'], 'result')
    await crone.sends(`<iq type="get" id="two" to="${ROOM}"/>`)
    assert.equal(conditionIn(answerTo(crone, 'two')), 'bad-request')
  },
  open,
)

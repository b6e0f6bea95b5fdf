/** DESIGN law 10, for clients that enter rooms in which there are very many (XEP-0045 §7.2.2): what waits for them is bounded. */
import assert from 'node:assert/strict'
import { ack, managed, resumes, SM } from '../../../test/managed-stream.ts'
import { Elsewhere, joinXml, ROOM, roomIn } from '../../../test/muc-story.ts'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'

const rooms = { settings: { muc: { newRooms: 'public' } } }
const management = { resumeFor: 600_000, queue: 100, queueBytes: 100_000 }
const CROWD = 150

/** Romeo's room, in which there is a crowd from elsewhere. */
async function crowded(scene: Scene, status = ''): Promise<Device> {
  const romeo = await scene.online('romeo')
  await romeo.sends(joinXml('romeo'))
  const query = '<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"/></query>'
  await romeo.sends(`<iq type="set" id="open" to="${ROOM}">${query}</iq>`)
  const elsewhere = new Elsewhere(scene.world)
  for (let i = 0; i < CROWD; i++)
    await elsewhere.user(`n${i}@there.example/r`).sends(joinXml(`n${i}`).replace('</presence>', `${status}</presence>`))
  romeo.forget()
  return romeo
}

const presences = ({ unread }: Device): number =>
  unread.splice(0).filter(each => each !== 'end of stream' && each.name === 'presence').length

streamStory(
  'who enters where more are than may wait for acknowledgement is shown all of them, and acknowledges when it can',
  async scene => {
    const romeo = await crowded(scene)
    const { device: phone, id } = await managed(scene, 'juliet')
    await phone.sends(joinXml('juliet'))
    assert.equal(presences(phone), CROWD + 2)
    assert.equal(phone.socket.state, 'open')
    await phone.sends(ack(1 + CROWD + 3))
    await phone.breaks()
    const again = await resumes(scene, 'juliet', id, 1 + CROWD + 3)
    again.receives(`<resumed xmlns="${SM}"/>`)
    again.forget()
    assert.ok(roomIn(scene.world).occupants.named('juliet'))
    for (const device of [romeo, phone, again]) device.forget()
  },
  { management },
  rooms,
)

streamStory(
  'who reads nothing of it is cut off when so much waits, and in the room no longer',
  async scene => {
    const romeo = await crowded(scene, `<status>${'x'.repeat(1000)}</status>`)
    const phone = await scene.online('juliet')
    phone.socket.isTaken = false
    await phone.sends(joinXml('juliet'))
    assert.equal(phone.socket.state, 'destroyed')
    assert.ok(phone.socket.queued < 100_000 + 2000)
    assert.equal(roomIn(scene.world).occupants.named('juliet'), undefined)
    romeo.forget()
  },
  { outputBuffer: 100_000 },
  rooms,
)

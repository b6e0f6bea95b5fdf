/** XEP-0045 §7.13 and §8.6: who may not speak asks to, and moderators say. */
import assert from 'node:assert/strict'
import { affiliated, configured, coven, forgets, item, joins, presence, ROOM, roomIn, submit, tells } from '../../../test/muc-story.ts'
import type { Client, World } from '../../../test/story.ts'

const REQUEST = 'http://jabber.org/protocol/muc#request'
const asks = `<message to="${ROOM}" id="yd53c486">${submit(REQUEST, { 'muc#role': 'participant' })}</message>`

/** Hag66 is in a moderated room and may not speak. */
async function muted(world: World): Promise<[crone: Client, hag: Client, wicca: Client]> {
  const [crone, wicca] = await coven(world, 'secondwitch')
  configured(world, { isModerated: true })
  const hag = await world.online('hag66', 'pda')
  await joins(hag, 'thirdwitch')
  return [crone, hag, wicca!]
}

const decides = (fields: Record<string, string>): string =>
  `<message to="${ROOM}" id="approve">${submit(REQUEST, { 'muc#role': 'participant', 'muc#jid': 'hag66@here.example/pda', 'muc#roomnick': 'thirdwitch', ...fields })}</message>`

tells('XEP-0045 §7.13, §8.6: moderators are asked, and one of them says yes', async world => {
  const [crone, hag, wicca] = await muted(world)
  await hag.sends(asks)
  crone.receives(`<message from="${ROOM}" to="crone1@here.example/desktop" id="*"><x xmlns="jabber:x:data" type="form">
    <field var="FORM_TYPE" type="hidden"><value>${REQUEST}</value></field>
    <field var="muc#role" type="list-single"><value>participant</value></field>
    <field var="muc#jid" type="jid-single"><value>hag66@here.example/pda</value></field>
    <field var="muc#roomnick" type="text-single"><value>thirdwitch</value></field>
    <field var="muc#request_allow" type="boolean"><value>0</value></field></x></message>`)
  await crone.sends(decides({ 'muc#request_allow': 'true' }))
  for (const client of [crone, hag, wicca]) client.receives(presence('thirdwitch', item('none', 'participant')))
  await hag.sends(`<message type="groupchat" to="${ROOM}"><body>Harpier cries</body></message>`)
  wicca.receives(`<message from="${ROOM}/thirdwitch"><body>Harpier cries</body></message>`)
  forgets(world)
})

tells('XEP-0045 §8.6: or no', async world => {
  const [crone, hag] = await muted(world)
  await crone.sends(decides({ 'muc#request_allow': '0' }))
  await crone.sends(`<message to="${ROOM}"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${REQUEST}</value></field>
    <field var="muc#request_allow"><value>false</value></field></x></message>`)
  assert.equal(roomIn(world).occupants.named('thirdwitch')!.role, 'visitor')
  hag.receivesNothing()
})

tells('nobody gives himself voice, nor does who is no moderator', async world => {
  const [, hag, wicca] = await muted(world)
  for (const client of [hag, wicca]) {
    await client.sends(decides({ 'muc#request_allow': 'true' }))
    client.receivesError('approve', 'forbidden')
  }
  const outside = await world.online('stranger')
  await outside.sends(asks)
  outside.receivesError('yd53c486', 'forbidden')
  await hag.sends(asks.replace('participant', 'moderator'))
  hag.receivesError('yd53c486', 'bad-request')
  assert.equal(roomIn(world).occupants.named('thirdwitch')!.role, 'visitor')
})

tells('what was asked by one is not given to another who has his nick by now', async world => {
  const [crone, hag] = await muted(world)
  await hag.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  const other = await world.online('macbeth')
  await joins(other, 'thirdwitch')
  await crone.sends(decides({ 'muc#request_allow': 'true' }))
  crone.receivesError('approve', 'item-not-found')
  assert.equal(roomIn(world).occupants.named('thirdwitch')!.role, 'visitor')
})

tells('who may speak asks nobody', async world => {
  const [crone, , wicca] = await muted(world)
  await wicca.sends(asks)
  crone.receivesNothing()
  affiliated(world, 'witch2@here.example', 'member')
})

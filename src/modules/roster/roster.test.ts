import { story } from '../../../test/story.ts'

const get = '<iq type="get" id="r1"><query xmlns="jabber:iq:roster"/></iq>'

story('RFC 6121 §3.1: a subscription is asked for, granted, and brings presence', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet', 'balcony')
  await romeo.sends(get)
  romeo.receives('<iq type="result" id="r1"><query xmlns="jabber:iq:roster" ver="0"/></iq>')
  await juliet.sends(get)
  juliet.receives('<iq type="result" id="r1"/>')

  await romeo.sends('<presence id="xk3h1v69" to="juliet@here.example/anywhere" type="subscribe"/>')
  romeo.receives(`<iq type="set" to="romeo@here.example/phone"><query xmlns="jabber:iq:roster" ver="*">
    <item jid="juliet@here.example" subscription="none" ask="subscribe"/></query></iq>`)
  juliet.receives('<presence from="romeo@here.example" to="juliet@here.example" id="xk3h1v69" type="subscribe"/>')
  juliet.receivesNothing()

  await juliet.sends('<presence id="h4v1c4kj" to="romeo@here.example" type="subscribed"/>')
  juliet.receives('<iq type="set"><query xmlns="jabber:iq:roster"><item jid="romeo@here.example" subscription="from"/></query></iq>')
  romeo.receives('<presence from="juliet@here.example" to="romeo@here.example" id="h4v1c4kj" type="subscribed"/>')
  romeo.receives('<iq type="set"><query xmlns="jabber:iq:roster"><item jid="juliet@here.example" subscription="to"/></query></iq>')
  romeo.receives('<presence from="juliet@here.example/balcony" to="romeo@here.example"/>')
})
story('befriend', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet', 'balcony')
  await world.befriend(romeo, juliet)
  await romeo.sends('<presence><show>away</show></presence>')
  juliet.receives('<presence from="romeo@here.example/phone"><show>away</show></presence>')
  romeo.receives('<presence/>')
  await romeo.leaves()
  juliet.receives('<presence from="romeo@here.example/phone" type="unavailable"/>')
})

import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../../test/story.ts'

const get = '<iq type="get" id="r1"><query xmlns="jabber:iq:roster"/></iq>'
const pushOf = (item: string): string => `<iq type="set" id="*"><query xmlns="jabber:iq:roster" ver="*">${item}</query></iq>`

/** A client that follows its roster. */
async function interested(world: World, account: string, resource = 'phone'): Promise<Client> {
  const client = await world.online(account, resource)
  await client.sends(get)
  client.forget()
  return client
}

const itemsOf = (client: Client): Promise<string[]> =>
  client.sends(get).then(() => {
    const query = client.receives('<iq type="result" id="r1"><query xmlns="jabber:iq:roster"/></iq>').first()
    return query!.elements().map(String)
  })

story('RFC 6121 §3.1: a subscription is asked for, granted, and brings presence', async world => {
  const romeo = await interested(world, 'romeo')
  const juliet = await interested(world, 'juliet', 'balcony')
  await romeo.sends('<presence id="xk3h1v69" to="juliet@here.example/anywhere" type="subscribe"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="none" ask="subscribe"/>'))
  juliet.receives('<presence from="romeo@here.example" to="juliet@here.example" id="xk3h1v69" type="subscribe"/>')
  juliet.receivesNothing()
  assert.deepEqual(await itemsOf(juliet), [])

  await juliet.sends('<presence id="h4v1c4kj" to="romeo@here.example" type="subscribed"/>')
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="from"/>'))
  romeo.receives('<presence from="juliet@here.example" to="romeo@here.example" id="h4v1c4kj" type="subscribed"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="to"/>'))
  romeo.receives('<presence from="juliet@here.example/balcony" to="romeo@here.example"/>')
})

story('RFC 6121 §3.1.3: a request waits, whole, until the user answers it, and is shown once to each new resource', async world => {
  const romeo = await world.online('romeo')
  await world.host.life.create('juliet', [])
  await romeo.sends(
    '<presence id="1" to="juliet@here.example" type="subscribe"><nick xmlns="http://jabber.org/protocol/nick">Romeo</nick></presence>',
  )
  await romeo.sends('<presence id="2" to="juliet@here.example" type="subscribe"/>')
  world.host.accounts.forget(world.host.accounts.of('juliet'))
  const request =
    '<presence id="1" from="romeo@here.example" type="subscribe"><nick xmlns="http://jabber.org/protocol/nick">Romeo</nick></presence>'
  const juliet = await world.connect('juliet', 'balcony')
  await juliet.sends('<presence/>')
  juliet.receives('<presence from="juliet@here.example/balcony"/>')
  juliet.receives(request)
  const chamber = await world.connect('juliet', 'chamber')
  await chamber.sends('<presence/>')
  chamber.receivesAll('<presence from="juliet@here.example/balcony"/>', '<presence from="juliet@here.example/chamber"/>', request)
  juliet.receives('<presence from="juliet@here.example/chamber"/>')
  await chamber.sends('<presence type="unsubscribed" to="romeo@here.example"/>')
  const church = await world.online('juliet', 'church')
  church.receivesNothing()
  romeo.forget()
})

story('RFC 6121 §3.1.3: who is subscribed and asks again is answered in the user’s name, and shown who is there', async world => {
  const romeo = await interested(world, 'romeo')
  const juliet = await interested(world, 'juliet')
  await world.befriend(romeo, juliet)
  // Romeo's side has lost the subscription; juliet's has not.
  await world.arrives('<presence type="unsubscribed" from="juliet@here.example" to="romeo@here.example"/>')
  romeo.forget()
  await romeo.sends('<presence id="a1" type="subscribe" to="juliet@here.example"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="from" ask="subscribe"/>'))
  romeo.receives('<presence id="a1" type="subscribed" from="juliet@here.example"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="both"/>'))
  romeo.receives('<presence from="juliet@here.example/phone" to="romeo@here.example"/>')
  juliet.receivesNothing()
})

story('RFC 6121 §3.2: a subscription is cancelled: unavailable first, then the cancellation, then the push', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  for (const client of [romeo, juliet]) {
    await client.sends(get)
    client.forget()
  }
  await juliet.sends('<presence id="ij5b1v7g" to="romeo@here.example" type="unsubscribed"/>')
  romeo.receives('<presence from="juliet@here.example/phone" type="unavailable"/>')
  romeo.receives('<presence from="juliet@here.example" id="ij5b1v7g" type="unsubscribed"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="from"/>'))
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="to"/>'))
  await juliet.sends('<presence><show>away</show></presence>')
  juliet.receives('<presence from="juliet@here.example/phone"/>')
})

story('RFC 6121 §3.3: a subscriber leaves, is shown no more, and hears that it has been let go', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  for (const client of [romeo, juliet]) {
    await client.sends(get)
    client.forget()
  }
  await romeo.sends('<presence id="ul4bs71n" to="juliet@here.example" type="unsubscribe"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="from"/>'))
  juliet.receives('<presence from="romeo@here.example" id="ul4bs71n" type="unsubscribe"/>')
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="to"/>'))
  romeo.receives('<presence from="juliet@here.example/phone" type="unavailable"/>')
})

story('RFC 6121 §3.1.6, §3.2.3 and §3.3.3: answers to what was never asked change nothing', async world => {
  const romeo = await interested(world, 'romeo')
  for (const type of ['subscribed', 'unsubscribed', 'unsubscribe']) {
    await world.arrives(`<presence type="${type}" from="juliet@far.example" to="romeo@here.example"/>`)
    await world.arrives(`<presence type="${type}" from="juliet@far.example" to="romeo@here.example/phone"/>`)
  }
  assert.deepEqual(await itemsOf(romeo), [])
})

story('RFC 6121 §8.5.3.2.2: of what is sent to a resource that is not there, only a request is heard', async world => {
  const romeo = await interested(world, 'romeo')
  await romeo.sends('<presence type="subscribe" to="juliet@far.example"/>')
  romeo.forget()
  await world.arrives('<presence type="subscribed" from="juliet@far.example" to="romeo@here.example/tomb"/>')
  romeo.receivesNothing()
  await world.arrives('<presence type="subscribe" from="juliet@far.example/balcony" to="romeo@here.example/tomb"/>')
  romeo.receives('<presence type="subscribe" from="juliet@far.example" to="romeo@here.example"/>')
})

story('RFC 6121 §3.4: a request that was approved beforehand is granted at once, and once', async world => {
  const juliet = await interested(world, 'juliet')
  const romeo = await interested(world, 'romeo')
  await juliet.sends('<presence id="pg81vx64" to="romeo@here.example" type="subscribed"/>')
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="none" approved="true"/>'))
  romeo.receivesNothing()
  await juliet.sends('<presence id="pg81vx65" to="romeo@here.example" type="subscribed"/>')
  juliet.receivesNothing()

  await romeo.sends('<presence id="1" to="juliet@here.example" type="subscribe"/>')
  const push = juliet.receives(pushOf('<item jid="romeo@here.example" subscription="from"/>'))
  assert.equal(push.first()!.elements()[0]!.attrs['approved'], undefined)
  juliet.receivesNothing()
  romeo.receives(pushOf('<item jid="juliet@here.example" ask="subscribe"/>'))
  romeo.receives('<presence from="juliet@here.example" id="1" type="subscribed"/>')
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="to"/>'))
  romeo.receives('<presence from="juliet@here.example/phone"/>')
})

story('RFC 6121 §3.4: an approval is taken back', async world => {
  const juliet = await interested(world, 'juliet')
  const romeo = await world.online('romeo')
  await juliet.sends('<presence to="romeo@here.example" type="subscribed"/>')
  juliet.forget()
  await juliet.sends('<presence to="romeo@here.example" type="unsubscribed"/>')
  const push = juliet.receives(pushOf('<item jid="romeo@here.example"/>'))
  assert.equal(push.first()!.elements()[0]!.attrs['approved'], undefined)
  romeo.receivesNothing()
  await romeo.sends('<presence to="juliet@here.example" type="subscribe"/>')
  juliet.receives('<presence type="subscribe"/>')
})

story('nobody subscribes to oneself', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends('<presence type="subscribe" id="p1" to="romeo@here.example"/>')
  romeo.receivesError('p1', 'not-allowed')
  await world.arrives('<presence type="subscribe" from="romeo@here.example" to="romeo@here.example"/>')
  romeo.receivesNothing()
})

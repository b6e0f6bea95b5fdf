import { type Client, story } from '../../../test/story.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const TUNE = 'http://jabber.org/protocol/tune'

const tune = (artist: string): string => `<tune xmlns="${TUNE}"><artist>${artist}</artist></tune>`
const publish = (artist: string, id = 'pub1'): string => `<iq type="set" id="${id}"><pubsub xmlns="http://jabber.org/protocol/pubsub">
  <publish node="${TUNE}"><item id="${artist}">${tune(artist)}</item></publish></pubsub></iq>`
const event = (artist: string): string =>
  `<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="${TUNE}"><item id="${artist}">${tune(artist)}</item></items></event>`

const CAPS = '<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:example:client" ver="eXb0oThVyvXR0H1jK/K6pyNdTtI="/>'

/** Answers what the server asks in the name of an account. */
async function tellsFeatures(client: Client, account: string): Promise<void> {
  const { id } = client.receives(`<iq type="get" from="${account}@here.example"><query xmlns="${INFO}"/></iq>`).attrs
  const features = `<identity category="client" type="phone"/><feature var="${TUNE}+notify"/>`
  await client.sends(`<iq type="result" id="${id}" to="${account}@here.example"><query xmlns="${INFO}">${features}</query></iq>`)
}

story('XEP-0163 §1.2: a contact hears of what the owner publishes if his client wants to, and so does the owner', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const romeo = await world.online('romeo', 'orchard')
  await world.befriend(juliet, romeo)
  await juliet.sends(`<presence>${CAPS}</presence>`)
  juliet.receives('<presence/>')
  romeo.forget()
  await tellsFeatures(juliet, 'juliet')
  await romeo.sends(`<presence>${CAPS}</presence>`)
  romeo.receives('<presence/>')
  juliet.forget()
  await tellsFeatures(romeo, 'romeo')
  await tellsFeatures(romeo, 'juliet')
  await juliet.sends(publish('Gerald Finzi'))
  juliet.receives(`<message from="juliet@here.example" to="juliet@here.example/balcony" type="headline">${event('Gerald Finzi')}</message>`)
  juliet.receives('<iq type="result" id="pub1"/>')
  romeo.receives(`<message from="juliet@here.example" to="romeo@here.example/orchard" type="headline">${event('Gerald Finzi')}</message>`)
})

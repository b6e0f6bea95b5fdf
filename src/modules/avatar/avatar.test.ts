import assert from 'node:assert/strict'
import fc from 'fast-check'
import { announced, items, listens, publishes, retracts, sees } from '../../../test/personal-events.ts'
import { type Client, story } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'
import { readImage } from './image.ts'

const GIF = 'R0lGODlhQAAwADs='
const OTHER_GIF = 'R0lGODlhIAAgADs='
const DATA = 'urn:xmpp:avatar:data'
const METADATA = 'urn:xmpp:avatar:metadata'
const idOf = (base64: string): string => readImage(base64, undefined)!.id
const HASH = idOf(GIF)

const photo = (base64: string): string => `<PHOTO><TYPE>image/gif</TYPE><BINVAL>${base64}</BINVAL></PHOTO>`
const card = (inside: string): string => `<iq type="set" id="c1"><vCard xmlns="vcard-temp">${inside}</vCard></iq>`
const data = (base64: string, id = idOf(base64)): string => `<item id="${id}"><data xmlns="${DATA}">${base64}</data></item>`
const metadata = (id: string, more = ''): string =>
  `<item id="${id}"><metadata xmlns="${METADATA}">${more}<info id="${id}" bytes="11" type="image/gif"/></metadata></item>`
const update = (inside: string): string => `<x xmlns="vcard-temp:x:update">${inside}</x>`
const hash = (id: string): string => update(`<photo>${id}</photo>`)

const owns = (inside: string): string =>
  `<iq type="set" id="o1"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner">${inside}</pubsub></iq>`

async function publishesAvatar(client: Client, base64: string, options: Record<string, string> = {}): Promise<void> {
  await publishes(client, DATA, data(base64), options)
  await publishes(client, METADATA, metadata(idOf(base64)), options)
}

async function writesCard(client: Client, inside: string): Promise<void> {
  await client.sends(card(inside))
  client.receivesAll('<iq type="result" id="c1"/>')
}

/** The photo in the card of somebody; undefined where there is none. */
async function photoOf(client: Client, name: string): Promise<string | undefined> {
  await client.sends(`<iq type="get" id="c2" to="${name}@here.example"><vCard xmlns="vcard-temp"/></iq>`)
  const answer = client.unread.shift()!
  const found = answer.elements().flatMap(child => child.elements().filter(element => element.name === 'PHOTO'))
  assert.ok(found.length <= 1)
  return found[0]?.elements().find(({ name }) => name === 'BINVAL')?.text
}

/** What a presence says of the photo: its hash, or '' for none; undefined where it says nothing. */
const saidIn = (presence: Element | undefined): string | undefined => {
  const x = presence?.elements().filter(({ ns }) => ns === 'vcard-temp:x:update') ?? []
  assert.ok(x.length <= 1)
  return x[0]?.first()?.text
}

story('XEP-0398 §2: accounts say that they convert', async world => {
  assert.ok((await announced(await world.connect('romeo'))).has('urn:xmpp:pep-vcard-conversion:0'))
})

story('XEP-0398 §3.1: an avatar is the photo of the card, for whom it is meant', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  const tybalt = await world.online('tybalt')
  await world.befriend(juliet, romeo)
  assert.equal(await photoOf(romeo, 'juliet'), undefined)
  await publishesAvatar(juliet, GIF)
  juliet.receives(`<presence>${hash(HASH)}</presence>`)
  romeo.receives(`<presence>${hash(HASH)}</presence>`)
  assert.equal(await photoOf(juliet, 'juliet'), GIF)
  assert.equal(await photoOf(romeo, 'juliet'), GIF)
  assert.equal(await photoOf(tybalt, 'juliet'), undefined)
})

story('XEP-0398 §6: strangers see an avatar that is open to all, and nothing else of the card', async world => {
  const juliet = await world.online('juliet')
  await writesCard(juliet, '<FN>Juliet</FN>')
  await publishesAvatar(juliet, GIF, { access_model: 'open' })
  const tybalt = await world.online('tybalt')
  await tybalt.sends('<iq type="get" id="c2" to="juliet@here.example"><vCard xmlns="vcard-temp"/></iq>')
  const answer = tybalt.receives(`<iq type="result" id="c2"><vCard xmlns="vcard-temp">${photo(GIF)}</vCard></iq>`)
  assert.equal(answer.first()?.elements().length, 1)
  juliet.forget()
})

story('XEP-0398 §6: who may see one of the two nodes alone sees no photo', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await publishes(juliet, DATA, data(GIF), { access_model: 'whitelist' })
  await publishes(juliet, METADATA, metadata(HASH))
  assert.equal(await photoOf(juliet, 'juliet'), GIF)
  assert.equal(await photoOf(romeo, 'juliet'), undefined)
  await juliet.sends('<presence/>')
  for (const client of [juliet, romeo]) assert.equal(saidIn(client.unread.shift()), undefined)
})

story('XEP-0398 §3.1: what is elsewhere, or has another hash, is no photo', async world => {
  const juliet = await world.online('juliet')
  await publishes(juliet, DATA, data(GIF, idOf(OTHER_GIF)))
  await publishes(juliet, METADATA, metadata(idOf(OTHER_GIF)))
  assert.equal(await photoOf(juliet, 'juliet'), undefined)
  const elsewhere = `<info id="${idOf(OTHER_GIF)}" bytes="1" type="image/png" url="https://example.org/a.png"/>`
  juliet.forget()
  await publishesAvatar(juliet, GIF)
  await publishes(juliet, METADATA, metadata(HASH, elsewhere))
  juliet.forget()
  assert.equal(await photoOf(juliet, 'juliet'), GIF)
})

story('XEP-0398 §3.2: the photo of a card is an avatar, with its hash for an id', async world => {
  const juliet = await world.connect('juliet')
  await writesCard(juliet, `<FN>Juliet</FN>${photo(GIF)}`)
  const [item] = await sees(juliet, DATA)
  assert.deepEqual([item?.attrs['id'], item?.first()?.text], [HASH, GIF])
  const [info] = (await sees(juliet, METADATA))[0]!.first()!.elements()
  assert.deepEqual({ ...info?.attrs }, { bytes: '11', id: HASH, type: 'image/gif', width: '64', height: '48' })
  assert.equal(await photoOf(juliet, 'juliet'), GIF)
})

story('XEP-0398 §3.2: who wants to hear of avatars hears of a photo too, the data first', async world => {
  const juliet = await world.connect('juliet')
  const chamber = await listens(world, 'juliet', DATA, METADATA)
  await writesCard(juliet, photo(GIF))
  const event = (node: string): string =>
    `<message type="headline" from="juliet@here.example"><event xmlns="http://jabber.org/protocol/pubsub#event"><items node="${node}"><item id="${HASH}"/></items></event></message>`
  chamber.receives(event(DATA))
  chamber.receives(event(METADATA))
  chamber.receives(`<presence from="juliet@here.example/listener">${hash(HASH)}</presence>`)
})

story('XEP-0398 §3.2: the same photo again changes nothing, whichever way it comes', async world => {
  const juliet = await world.online('juliet')
  const own = `<item id="${HASH}"><metadata xmlns="${METADATA}"><info id="${HASH}" bytes="11" type="image/gif"/><info id="x" bytes="1" type="image/png" url="https://example.org/"/></metadata></item>`
  await publishes(juliet, DATA, data(GIF))
  await publishes(juliet, METADATA, own)
  juliet.receives(`<presence>${hash(HASH)}</presence>`)
  await writesCard(juliet, `<FN>Juliet</FN>${photo(`\n${GIF.slice(0, 4)}\n${GIF.slice(4)}`)}`)
  assert.equal((await sees(juliet, METADATA))[0]?.first()?.elements().length, 2)
  await publishesAvatar(juliet, GIF)
  await writesCard(juliet, photo(OTHER_GIF))
  juliet.receives(`<presence>${hash(idOf(OTHER_GIF))}</presence>`)
  assert.equal((await sees(juliet, METADATA))[0]?.attrs['id'], idOf(OTHER_GIF))
  await publishesAvatar(juliet, GIF)
  juliet.receives(`<presence>${hash(HASH)}</presence>`)
})

story('XEP-0153 §4.3: a card without a photo takes the avatar away, and its bytes with it', async world => {
  const juliet = await world.online('juliet')
  for (const without of ['<FN>Juliet</FN>', '<FN>Juliet</FN><PHOTO><TYPE>image/gif</TYPE><BINVAL/></PHOTO>', '']) {
    await publishesAvatar(juliet, GIF)
    juliet.receives(`<presence>${hash(HASH)}</presence>`)
    await writesCard(juliet, without)
    assert.equal(saidIn(juliet.receives('<presence/>')), '')
    assert.deepEqual(
      (await sees(juliet, METADATA)).map(item => item.first()?.elements()),
      [[]],
    )
    assert.deepEqual(await sees(juliet, DATA), [])
    assert.equal(await photoOf(juliet, 'juliet'), undefined)
  }
})

story('an avatar that is elsewhere, which cards cannot show, is not taken away by them', async world => {
  const juliet = await world.connect('juliet')
  const elsewhere = `<item id="x"><metadata xmlns="${METADATA}"><info id="x" bytes="1" type="image/png" url="https://example.org/a.png"/></metadata></item>`
  await publishes(juliet, METADATA, elsewhere)
  await writesCard(juliet, '<FN>Juliet</FN>')
  assert.equal((await sees(juliet, METADATA))[0]?.first()?.elements().length, 1)
  await publishes(juliet, METADATA, metadata(HASH))
  await writesCard(juliet, '<FN>Juliet</FN>')
  assert.equal((await sees(juliet, METADATA))[0]?.first()?.elements().length, 0)
})

story('XEP-0084 §3.5: an avatar that was disabled is no photo any more', async world => {
  const juliet = await world.online('juliet')
  await publishesAvatar(juliet, GIF)
  await publishes(juliet, METADATA, `<item><metadata xmlns="${METADATA}"/></item>`)
  juliet.receivesAll(`<presence>${hash(HASH)}</presence>`, `<presence>${update('<photo/>')}</presence>`)
  assert.equal(await photoOf(juliet, 'juliet'), undefined)
  await publishesAvatar(juliet, GIF)
  await retracts(juliet, DATA, HASH)
  juliet.receivesAll(`<presence>${hash(HASH)}</presence>`, `<presence>${update('<photo/>')}</presence>`)
  await publishesAvatar(juliet, GIF)
  await juliet.sends(owns(`<delete node="${METADATA}"/>`))
  juliet.receivesAll('<iq type="result" id="o1"/>', `<presence>${hash(HASH)}</presence>`, `<presence>${update('<photo/>')}</presence>`)
})

story('XEP-0084 §5.1: who may see the avatar finds its nodes among the items of the account', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await publishesAvatar(juliet, GIF)
  for (const client of [juliet, romeo]) client.forget()
  await romeo.sends('<iq type="get" id="d2" to="juliet@here.example"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>')
  const nodes = [DATA, METADATA].map(node => `<item jid="juliet@here.example" node="${node}"/>`).join('')
  romeo.receives(`<iq type="result" id="d2"><query xmlns="http://jabber.org/protocol/disco#items">${nodes}</query></iq>`)
})

story('a photo that is no image stays in the card as it is, and is no avatar', async world => {
  const juliet = await world.connect('juliet')
  for (const junk of [
    '<PHOTO><BINVAL>never base64!</BINVAL></PHOTO>',
    '<PHOTO><TYPE>text/html</TYPE><BINVAL>PGI+</BINVAL></PHOTO>',
    '<PHOTO><EXTVAL>https://example.org/a.png</EXTVAL></PHOTO>',
  ]) {
    await writesCard(juliet, `<FN>Juliet</FN>${junk}`)
    await juliet.sends(items(METADATA))
    juliet.receivesError('i1', 'item-not-found')
    await juliet.sends('<iq type="get" id="c2"><vCard xmlns="vcard-temp"/></iq>')
    juliet.receives(`<iq id="c2"><vCard xmlns="vcard-temp"><FN>Juliet</FN>${junk}</vCard></iq>`)
  }
})

story('XEP-0398 §4: the hash stands in every available presence that does not say that there is none', async world => {
  const juliet = await world.connect('juliet')
  await publishesAvatar(juliet, GIF)
  for (const [said, told] of [
    ['', HASH],
    [update(''), HASH],
    [hash('01b87fcd030b72895ff8e88db57ec525450f000d'), HASH],
    [update('<photo/>'), ''],
  ] as const) {
    await juliet.sends(`<presence><show>away</show>${said}</presence>`)
    assert.equal(saidIn(juliet.receives('<presence><show>away</show></presence>')), told)
  }
  await juliet.sends('<presence type="unavailable"/>')
  assert.equal(saidIn(juliet.receives('<presence type="unavailable"/>')), undefined)
})

story('XEP-0398 §4: in directed presence too, to those who may see the avatar', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  const tybalt = await world.online('tybalt')
  await world.befriend(juliet, romeo)
  await publishesAvatar(juliet, GIF)
  const nurse = await world.online('nurse')
  await publishesAvatar(nurse, GIF, { access_model: 'open' })
  for (const client of world.clients) client.forget()
  const told = async (by: Client, client: Client): Promise<string | undefined> => {
    await by.sends(`<presence to="${client.session.jid}"/>`)
    return saidIn(client.receives('<presence/>'))
  }
  assert.equal(await told(juliet, romeo), HASH)
  assert.equal(await told(juliet, tybalt), undefined)
  assert.equal(await told(nurse, tybalt), HASH)
})

story('who may see the avatar is what its nodes say, from one moment to the next', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  const tybalt = await world.online('tybalt')
  await world.befriend(juliet, romeo)
  await publishesAvatar(juliet, GIF)
  for (const client of world.clients) client.forget()
  const configure = async (model: string): Promise<void> => {
    const form = `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/pubsub#node_config</value></field><field var="pubsub#access_model"><value>${model}</value></field></x>`
    for (const node of [DATA, METADATA]) {
      await juliet.sends(owns(`<configure node="${node}">${form}</configure>`))
      juliet.receivesAll('<iq type="result" id="o1"/>')
    }
  }
  await configure('whitelist')
  for (const client of [juliet, romeo]) client.receives(`<presence>${update('<photo/>')}</presence>`)
  assert.equal(await photoOf(romeo, 'juliet'), undefined)
  assert.equal(await photoOf(juliet, 'juliet'), GIF)
  await configure('open')
  for (const client of [juliet, romeo]) client.receives(`<presence>${hash(HASH)}</presence>`)
  assert.equal(await photoOf(tybalt, 'juliet'), GIF)
  await juliet.sends(`<presence to="${tybalt.session.jid}"/>`)
  tybalt.receives(`<presence>${hash(HASH)}</presence>`)
})

story('where one of those who see presence may not see the avatar, presence has no hash', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await publishesAvatar(juliet, GIF)
  const affiliate = async (node: string, affiliation: string): Promise<void> => {
    await juliet.sends(
      owns(`<affiliations node="${node}"><affiliation jid="romeo@here.example" affiliation="${affiliation}"/></affiliations>`),
    )
    for (const client of world.clients) client.forget()
  }
  for (const [node, affiliation, told] of [
    [DATA, 'outcast', undefined],
    [DATA, 'member', HASH],
    [METADATA, 'publish-only', undefined],
    [METADATA, 'none', HASH],
  ] as const) {
    await affiliate(node, affiliation)
    await juliet.sends('<presence/>')
    juliet.forget()
    assert.equal(saidIn(romeo.receives('<presence/>')), told, `${affiliation} of ${node}`)
  }
})

story('the hash goes with the image, also where other images stay', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await publishes(juliet, DATA, data(OTHER_GIF), { max_items: '2' })
  await publishesAvatar(juliet, GIF)
  for (const client of world.clients) client.forget()
  await retracts(juliet, DATA, HASH)
  for (const client of [juliet, romeo]) assert.equal(saidIn(client.receives('<presence/>')), '')
  await publishesAvatar(juliet, OTHER_GIF)
  for (const client of [juliet, romeo]) assert.equal(saidIn(client.receives('<presence/>')), idOf(OTHER_GIF))
})

story('contacts hear of a new avatar at once, of each client that has not said that it has none', async world => {
  const phone = await world.online('juliet', 'phone', '<presence><show>away</show></presence>')
  const laptop = await world.online('juliet', 'laptop', `<presence>${update('<photo/>')}</presence>`)
  const romeo = await world.online('romeo')
  await world.befriend(phone, romeo)
  await publishesAvatar(phone, GIF)
  for (const client of [phone, laptop, romeo]) {
    client.receives(`<presence from="juliet@here.example/phone"><show>away</show>${hash(HASH)}</presence>`)
  }
  const nurse = await world.online('nurse')
  await world.befriend(phone, nurse)
  await nurse.sends('<presence type="unavailable"/>')
  nurse.forget()
  await nurse.sends('<presence/>')
  nurse.receivesAll(
    `<presence from="juliet@here.example/phone">${hash(HASH)}</presence>`,
    `<presence from="juliet@here.example/laptop">${update('<photo/>')}</presence>`,
    '<presence from="nurse@here.example/phone"/>',
  )
  phone.forget()
  laptop.forget()
})

story('who is away shows the avatar all the same, after a restart too', async world => {
  const juliet = await world.online('juliet')
  await world.befriend(juliet, await world.online('romeo'))
  await writesCard(juliet, `<FN>Juliet</FN>${photo(GIF)}`)
  world.restarts()
  const romeo = await world.online('romeo')
  assert.equal(await photoOf(romeo, 'juliet'), GIF)
  const again = await world.connect('juliet')
  await again.sends('<presence/>')
  assert.equal(saidIn(again.receives('<presence from="juliet@here.example/phone"/>')), HASH)
  again.forget()
  romeo.forget()
})

story('whatever clients do in whichever format, card, avatar and presence say the same in the end', async world => {
  const juliet = await world.online('juliet')
  const image = fc.constantFrom(GIF, OTHER_GIF)
  const name = fc.constantFrom('Juliet', 'Capulet')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('avatar' as const), image }),
    fc.record({ kind: fc.constant('data' as const), image }),
    fc.record({ kind: fc.constant('none' as const) }),
    fc.record({ kind: fc.constant('presence' as const) }),
    fc.record({ kind: fc.constant('card' as const), image: fc.option(image), name }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async steps => {
      for (const step of steps) {
        if (step.kind === 'avatar') await publishesAvatar(juliet, step.image)
        else if (step.kind === 'data') await publishes(juliet, DATA, data(step.image))
        else if (step.kind === 'none') await publishes(juliet, METADATA, `<item><metadata xmlns="${METADATA}"/></item>`)
        else if (step.kind === 'presence') await juliet.sends('<presence/>')
        else await writesCard(juliet, `<FN>${step.name}</FN>${step.image === null ? '' : photo(step.image)}`)
        juliet.forget()
      }
      // A client that has published data goes on with what refers to them.
      await publishesAvatar(juliet, GIF)
      juliet.forget()
      assert.equal(await photoOf(juliet, 'juliet'), GIF)
      assert.equal(saidIn(juliet.session.presence), HASH)
      const [item, ...more] = await sees(juliet, METADATA)
      assert.deepEqual([item?.attrs['id'], more], [HASH, []])
    }),
    { numRuns: 40 },
  )
})

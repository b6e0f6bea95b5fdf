import assert from 'node:assert/strict'
import { clientFor, configXml, event, gets, item, publishXml, tellsFeatures } from '../../../test/pubsub-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'
import { capsHash } from '../../xmpp/caps-hash.ts'
import { readInfo } from '../../xmpp/disco.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const OPEN = configXml({ access_model: 'open' })
const stream = { isSecure: true, account: undefined, attempt: () => true }

story('XEP-0115 §6.3: the stream features name what the server can do, and the server answers for that name', async world => {
  const { unauthenticated, authenticated } = world.host.stream
  const [before, after] = [unauthenticated, authenticated].map(offers =>
    offers.map(offer => offer(stream)).find(feature => feature?.ns === 'http://jabber.org/protocol/caps'),
  )
  assert.deepEqual(before?.attrs, after?.attrs)
  const { hash, node, ver } = before!.attrs
  assert.equal(hash, 'sha-1')

  const romeo = await world.connect('romeo')
  await romeo.sends(`<iq type="get" id="d1" to="here.example"><query xmlns="${INFO}" node="${node}#${ver}"/></iq>`)
  const answer = romeo.receives(
    `<iq type="result" id="d1"><query xmlns="${INFO}" node="${node}#${ver}"><feature var="http://jabber.org/protocol/caps"/></query></iq>`,
  )
  assert.equal(capsHash(readInfo(answer.first()!)), ver)
})

story('XEP-0115 §6.2: the name of other capabilities is unknown', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(`<iq type="get" id="d1" to="here.example"><query xmlns="${INFO}" node="conexizan#AAAAAAAAAAAAAAAAAAAAAAAAAAA="/></iq>`)
  romeo.receivesError('d1', 'item-not-found')
})

/** A client of the account comes and claims to be of a kind; gives the questions that it is asked. */
async function comes(client: Client, caps: string): Promise<Element[]> {
  await client.sends(`<presence>${caps}</presence>`)
  return client.unread.filter(({ attrs }) => attrs['type'] === 'get')
}

story('XEP-0115 §9.3: nobody speaks for a kind of client by what only looks like what it can do', async world => {
  const phone = (text: string): string => `<identity category="client" type="phone"/>${text}`
  const form = `<x xmlns="jabber:x:data"><field var="FORM_TYPE" type="hidden"><value>urn:b+notify</value></field></x>`
  const { caps, features } = clientFor('urn:a', 'urn:b')
  for (const forged of ['<feature var="urn:a+notify&lt;urn:b+notify"/>', `<feature var="urn:a+notify"/>${form}`]) {
    const tybalt = await world.connect('tybalt')
    await comes(tybalt, caps)
    await tellsFeatures(tybalt, phone(forged))
    await tybalt.leaves()
    tybalt.forget()
  }
  const romeo = await world.connect('romeo')
  assert.equal((await comes(romeo, caps)).length, 1)
  await tellsFeatures(romeo, features)
  romeo.forget()
  await gets(romeo, 'set', publishXml('urn:b', item('x')), { to: '' })
  event(romeo, '<items node="urn:b"><item id="x"/></items>', 'romeo@here.example')
})

story('a client that has not answered is asked again when it comes again, or after a minute', async world => {
  const romeo = await world.connect('romeo')
  const { caps } = clientFor('urn:a')
  const isAskedAgain = async (): Promise<boolean> => {
    romeo.forget()
    const isAsked = (await comes(romeo, caps)).length > 0
    romeo.forget()
    return isAsked
  }
  assert.ok(await isAskedAgain())
  assert.ok(!(await isAskedAgain()))
  await romeo.sends('<presence type="unavailable"/>')
  assert.ok(await isAskedAgain())
  await world.later(60_000)
  assert.ok(await isAskedAgain())
})

story('a client that claims something very long has claimed nothing', async world => {
  const romeo = await world.connect('romeo')
  const long = 'x'.repeat(257)
  for (const [node, ver, hash] of [
    [long, 'v', 'sha-1'],
    ['n', long, 'sha-1'],
    ['n', 'v', long],
  ])
    assert.deepEqual(await comes(romeo, `<c xmlns="http://jabber.org/protocol/caps" hash="${hash}" node="${node}" ver="${ver}"/>`), [])
  romeo.forget()
})

/** What a stranger is asked who shows himself. */
async function showsHimself(world: World, from: string, caps: string): Promise<Element[]> {
  const asked: Element[] = []
  world.router.foreign = { deliver: stanza => void asked.push(stanza) }
  await world.arrives(`<presence from="${from}" to="juliet@here.example">${caps}</presence>`)
  return asked.filter(({ name }) => name === 'iq')
}

story('strangers who do not answer leave no more than some questions behind, and push out none to contacts', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', `<create node="urn:a"/><configure>${OPEN}</configure>`, { to: '' })
  const { caps, features } = clientFor('urn:a')
  await romeo.sends(`<presence>${caps}</presence>`)
  const first = await showsHimself(world, 'tybalt@far.example/0', caps)
  for (let i = 1; i <= 20; i++) assert.equal((await showsHimself(world, `tybalt@far.example/${i}`, caps)).length, 1)
  assert.equal(first.length, 1)
  assert.equal((await showsHimself(world, 'tybalt@far.example/20', caps)).length, 0, 'he is being asked')
  assert.equal((await showsHimself(world, 'tybalt@far.example/0', caps)).length, 1, 'what he was asked is forgotten')
  await tellsFeatures(romeo, features)
  for (const client of [juliet, romeo]) client.forget()
  await gets(juliet, 'set', publishXml('urn:a', item('x')), { to: '' })
  event(romeo, '<items node="urn:a"><item id="x"/></items>', 'juliet@here.example')
})

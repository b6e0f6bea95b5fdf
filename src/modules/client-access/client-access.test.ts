import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { Phone } from '../../../test/phone.ts'
import { story } from '../../../test/story.ts'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'
import { CLIENT_NAMES } from '../../core/stores.ts'
import { sql } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'

const CAM = 'urn:xmpp:cam:0'
const SASL2 = 'urn:xmpp:sasl:2'
const COMMANDS = 'http://jabber.org/protocol/commands'
const DAY = 86_400_000
const BIND = '<bind xmlns="urn:xmpp:bind:0"/>'
const RESUMABLE = '<bind xmlns="urn:xmpp:bind:0"><enable xmlns="urn:xmpp:sm:3" resume="true"/></bind>'
const RESET = `<iq type="error" id="r"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><password-reset-required xmlns="${CAM}"/></error></iq>`
const NONE = '<iq type="error" id="r"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>'
const GAJIM = '<software>Gajim</software><device>a laptop</device>'

/** Logs in with the password and gets a token; with `agent`, it says what it is. */
async function online(phone: Phone, agent = '', inline = BIND): Promise<Device> {
  const device = await phone.showsPassword(inline, phone.mechanism, agent)
  phone.takesToken(device)
  return device
}

/** What the list says, by the words that it uses, without the entry of the password. */
async function listedBy(device: Device): Promise<Element[]> {
  await device.sends(`<iq type="get" id="l"><list xmlns="${CAM}"/></iq>`)
  const clients = device.receives(
    `<iq type="result" id="l"><clients xmlns="${CAM}"><client id="password" type="access" connected="false"><auth><password/></auth></client></clients></iq>`,
  )
  return clients.first()!.elements().slice(0, -1)
}
const summary = (client: Element): string =>
  String(client)
    .replace(/ (xmlns|id)='[^']*'/g, '')
    .replaceAll("'", '"')
const listed = async (device: Device): Promise<string[]> => (await listedBy(device)).map(summary).sort()
const entry = (connected: boolean, fast: boolean, agent = ''): string =>
  `<client type="session" connected="${connected}">${connected ? '<last-seen>2026-01-01T00:00:00.000Z</last-seen>' : ''}<auth><password/>${fast ? '<fast/>' : ''}</auth><permission status="unrestricted"/>${agent}</client>`
const named = (inside: string): string => `<user-agent>${inside}</user-agent>`
const revoke = (device: Device, id: string): Promise<void> => device.sends(`<iq type="set" id="r"><revoke xmlns="${CAM}" id="${id}"/></iq>`)

const idOf = async ({ world }: Scene, { id }: Phone): Promise<string> => `client/${await world.host.tokens.clientOf('romeo', id)}`

/** Fills the form of a command in. */
async function commands(device: Device, node: string, field: string): Promise<Element> {
  await device.sends(`<iq type="set" id="c1"><command xmlns="${COMMANDS}" node="${node}"/></iq>`)
  const first = device.receives(`<iq type="result" id="c1"><command xmlns="${COMMANDS}" status="executing"/></iq>`).first()!
  await device.sends(
    `<iq type="set" id="c2"><command xmlns="${COMMANDS}" node="${node}" sessionid="${first.attrs['sessionid']}"><x xmlns="jabber:x:data" type="submit">${field}</x></command></iq>`,
  )
  device.receives(`<iq type="result" id="c2"><command xmlns="${COMMANDS}" status="completed"><note type="info"/></command></iq>`)
  return first
}
const remember = (device: Device, is: boolean): Promise<Element> =>
  commands(device, 'remember-clients', `<field var="remember"><value>${is}</value></field>`)
const documents = async ({ world }: Scene): Promise<Buffer[]> =>
  (await world.store.all<{ box: Uint8Array }>(sql`SELECT box FROM sealed_document WHERE store = ${CLIENT_NAMES}`)).map(({ box }) =>
    Buffer.from(box),
  )

streamStory('XEP-0494 §3.1: a user sees the clients that are logged in or have a token, and that the password lets in', async scene => {
  await Phone.withToken(scene)
  await Phone.withToken(scene, 'juliet')
  const device = await online(new Phone(scene))
  const old = await scene.online('romeo', 'old')
  const list = [entry(false, true), entry(true, true), entry(true, false)].sort()
  assert.deepEqual(await listed(device), list)
  assert.deepEqual(await listed(old), list)
  const ids = (await listedBy(device)).map(({ attrs }) => attrs['id'])
  assert.equal(new Set(ids).size, 3)
})

streamStory('XEP-0494 §3.1: a client that may come back is connected; two of its sessions are one client', async scene => {
  const phone = new Phone(scene)
  const former = await online(phone, '', RESUMABLE)
  const device = await phone.showsToken({ inline: RESUMABLE })
  phone.succeeds(device)
  device.receivesFeatures()
  assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 2)
  assert.deepEqual(await listed(device), [entry(true, true)])
  const laptop = await online(new Phone(scene))
  await former.breaks()
  await device.breaks()
  assert.deepEqual(await listed(laptop), [entry(true, true), entry(true, true)])
})

story('XEP-0494 §5: the list is for nobody else', async world => {
  await world.connect('romeo')
  const juliet = await world.connect('juliet')
  await juliet.sends(`<iq type="get" id="l" to="romeo@here.example"><list xmlns="${CAM}"/></iq>`)
  juliet.receivesError('l', 'service-unavailable')
  await juliet.sends(`<iq type="set" id="r" to="romeo@here.example"><revoke xmlns="${CAM}" id="password"/></iq>`)
  juliet.receivesError('r', 'service-unavailable')
})

streamStory('XEP-0494 §3.2: who is revoked loses its tokens and its sessions; that it knows the password is said', async scene => {
  const lost = new Phone(scene)
  const stolen = await online(lost)
  const device = await online(new Phone(scene))
  const id = await idOf(scene, lost)
  await revoke(device, id)
  device.receives(RESET)
  stolen.receivesStreamError('not-authorized')
  assert.deepEqual(await listed(device), [entry(true, true)])
  const refused = await lost.showsToken()
  refused.receives(`<failure xmlns="${SASL2}"><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>`)
  await revoke(device, id)
  device.receives(NONE)
})

streamStory('XEP-0494 §3.2: a stream that could be resumed is revoked with its client', async scene => {
  const lost = new Phone(scene)
  const stolen = await online(lost, '', RESUMABLE)
  const { id } = scene.world.host.accounts.of('romeo').sessions.values().next().value!.transport as unknown as { id: string }
  await stolen.breaks()
  const device = await online(new Phone(scene))
  await revoke(device, await idOf(scene, lost))
  device.receives(RESET)
  assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 1)
  const again = await lost.showsPassword(`<resume xmlns="urn:xmpp:sm:3" previd="${id}" h="0"/>`, '')
  again.receives(`<success xmlns="${SASL2}"><failed xmlns="urn:xmpp:sm:3"/></success>`)
  again.receivesFeatures()
})

streamStory('a client that does not say who it is can be revoked as well', async scene => {
  const old = await scene.online('romeo', 'old')
  const device = await online(new Phone(scene))
  await revoke(device, 'session/old')
  device.receives(RESET)
  old.receivesStreamError('not-authorized')
})

streamStory('who revokes its own client loses its token, and stays logged in', async scene => {
  const phone = new Phone(scene)
  const device = await online(phone)
  await revoke(device, await idOf(scene, phone))
  device.receives(RESET)
  assert.deepEqual(await listed(device), [entry(true, false)])
})

streamStory('XEP-0494 §3.2: the password is not revoked, but changed', async scene => {
  const device = await online(new Phone(scene))
  await revoke(device, 'password')
  device.receives(RESET)
  assert.deepEqual(await listed(device), [entry(true, true)])
  for (const id of ['', 'client/', 'client/nobody', 'session/nobody', 'Password']) {
    await revoke(device, id)
    device.receives(NONE)
  }
})

for (const [title, inline] of [
  ['bind', BIND],
  ['resume', '<resume xmlns="urn:xmpp:sm:3" previd="PREVID" h="0"/>'],
] as const) {
  streamStory(`a client that is revoked while it logs in cannot ${title}, and gets no token`, async scene => {
    await scene.later(DAY - 60_000)
    const phone = new Phone(scene)
    const former = await online(phone, '', RESUMABLE)
    const { host } = scene.world
    const account = host.accounts.of('romeo')
    const { id } = account.sessions.values().next().value!.transport as unknown as { id: string }
    await former.breaks()
    scene.world.clock.pass(60_000)
    const { tokens } = host
    const use = tokens.use.bind(tokens)
    mock.method(tokens, 'use', async (...args: Parameters<typeof use>) => {
      const used = await use(...args)
      await account.turn.take(() => tokens.revoke(account, args[0].client))
      return used
    })
    const device = await phone.showsToken({ inline: inline.replace('PREVID', id) })
    device.receivesStreamError('not-authorized')
    assert.deepEqual(await tokens.clients(account), [])
    assert.equal(account.sessions.size, 1)
  })
}

streamStory('what clients are is not remembered, unless the user wants it', async scene => {
  const device = await online(new Phone(scene), GAJIM)
  assert.deepEqual(await listed(device), [entry(true, true)])
  assert.deepEqual(await documents(scene), [])
})

streamStory('who wants it sees what the clients are, and nobody else does', async scene => {
  const [phone, laptop] = [new Phone(scene), new Phone(scene)]
  const device = await online(phone)
  await remember(device, true)
  assert.deepEqual(await listed(device), [entry(true, true)])
  await online(laptop, GAJIM)
  assert.deepEqual(await listed(device), [entry(true, true), entry(true, true, named(GAJIM))])
  const boxes = await documents(scene)
  assert.equal(boxes.length, 1)
  for (const word of ['Gajim', 'laptop', laptop.id]) assert.ok(!boxes[0]!.includes(word))
  scene.restarts()
  const again = await laptop.showsToken({ inline: BIND })
  laptop.succeeds(again)
  again.receivesFeatures()
  assert.deepEqual(await listed(again), [entry(false, true), entry(true, true, named(GAJIM))])
  await remember(again, false)
  assert.deepEqual(await documents(scene), [])
  assert.deepEqual(await listed(again), [entry(false, true), entry(true, true)])
})

streamStory('a client that is gone is forgotten, and long names are cut', async scene => {
  const [phone, laptop] = [new Phone(scene), new Phone(scene)]
  const device = await online(phone, `<software>${'x'.repeat(1000)}</software>`)
  await remember(device, true)
  const lost = await online(laptop, GAJIM)
  await revoke(device, await idOf(scene, laptop))
  device.receives(RESET)
  lost.receivesStreamError('not-authorized')
  const [before] = await documents(scene)
  assert.deepEqual(await listed(device), [entry(true, true)])
  assert.notDeepEqual(await documents(scene), [before])
  const again = await phone.showsPassword(BIND, phone.mechanism, `<software>${'x'.repeat(1000)}</software><device> </device>`)
  phone.takesToken(again)
  assert.deepEqual(await listed(again), [entry(true, true, named(`<software>${'x'.repeat(100)}</software>`))])
})

streamStory('a client is written of only when it has become another one', async scene => {
  const phone = new Phone(scene)
  await remember(await online(phone, GAJIM), true)
  await online(phone, GAJIM)
  const before = await documents(scene)
  await online(phone, GAJIM)
  assert.deepEqual(await documents(scene), before)
})

streamStory('clients that do not know XEP-0494 have a command for it', async scene => {
  const laptop = new Phone(scene)
  const device = await online(new Phone(scene))
  await remember(device, true)
  const lost = await online(laptop, GAJIM)
  const form = await commands(device, 'log-out-clients', `<field var="clients"><value>${await idOf(scene, laptop)}</value></field>`)
  assert.match(String(form), /label='A client \(this one\)'/)
  assert.match(String(form), /label='Gajim on a laptop \(logged in\)'/)
  lost.receivesStreamError('not-authorized')
  assert.deepEqual(await listed(device), [entry(true, true)])
})

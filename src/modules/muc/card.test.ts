import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { arranges, askRoom, conditionIn, coven, joins, open, opens, ROOM, SERVICE, USER } from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { StreamError } from '../../xmpp/error.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000100000001', 'hex')
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')
const photo = (bytes: Buffer, type: string): string => `<PHOTO><TYPE>${type}</TYPE><BINVAL>${bytes.toString('base64')}</BINVAL></PHOTO>`
const card = (inner = ''): string => `<vCard xmlns="vcard-temp">${inner}</vCard>`
const WITH_AVATAR = card(photo(PNG, 'image/png'))
const CHANGED = `<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="104"/></x></message>`

const infoOf = (client: Client, to = ROOM): Promise<Element> =>
  askRoom(client, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>', to)

const fieldIn = (info: Element, name: string): string[] | undefined =>
  info
    .first()!
    .elements()
    .filter(({ name }) => name === 'x')
    .flatMap(x => x.elements())
    .find(({ attrs }) => attrs['var'] === name)
    ?.elements()
    .map(value => value.text)

const hashesOf = async (client: Client): Promise<string[] | undefined> => fieldIn(await infoOf(client), 'muc#roominfo_avatarhash')

story(
  'XEP-0486 §3.1: the service and its rooms say that they have cards',
  async world => {
    const [crone] = await coven(world)
    for (const to of [SERVICE, ROOM]) assert.match(String(await infoOf(crone, to)), /<feature var='vcard-temp'\/>/)
    assert.equal(await hashesOf(crone), undefined)
    assert.equal(conditionIn(await askRoom(crone, 'get', card())), 'item-not-found')
  },
  open,
)

for (const persistentroom of ['1', '0'])
  story(
    `XEP-0486 §3.2 to §3.4: an owner publishes it, all hear that, and others find and read it; persistent: ${persistentroom}`,
    async world => {
      const [crone, hag] = await coven(world, 'hag')
      await arranges(crone, { persistentroom, publicroom: '1' })
      assert.equal((await askRoom(crone, 'set', WITH_AVATAR)).attrs['type'], 'result')
      for (const client of [crone, hag!]) client.receives(CHANGED)
      const stranger = await world.online('stranger')
      assert.deepEqual(await hashesOf(stranger), [hash('sha1', PNG)])
      const answer = await askRoom(stranger, 'get', card())
      assert.equal(String(answer.first()), WITH_AVATAR.replaceAll('"', "'"))
      await askRoom(crone, 'set', card())
      for (const client of [crone, hag!]) client.receives(CHANGED)
      assert.equal(await hashesOf(stranger), undefined)
      assert.equal(conditionIn(await askRoom(stranger, 'get', card())), 'item-not-found')
    },
    open,
  )

story(
  'XEP-0486 §3.2, §6: nobody but owners publishes it',
  async world => {
    const [crone, hag] = await coven(world, 'hag')
    assert.equal(conditionIn(await askRoom(hag!, 'set', WITH_AVATAR)), 'forbidden')
    assert.equal(conditionIn(await askRoom(await world.online('stranger'), 'set', WITH_AVATAR)), 'forbidden')
    crone.receivesNothing()
  },
  open,
)

story(
  'XEP-0486 §5.1: several formats of one image have a hash each; one that is too large is refused',
  async world => {
    const [crone] = await coven(world)
    await askRoom(crone, 'set', card(photo(SVG, 'image/svg+xml') + photo(PNG, 'image/png')))
    crone.receives(CHANGED)
    assert.deepEqual(await hashesOf(crone), [hash('sha1', SVG), hash('sha1', PNG)])
    assert.equal(conditionIn(await askRoom(crone, 'set', card(photo(Buffer.alloc(2000, 1), 'image/png')))), 'policy-violation')
  },
  { settings: { muc: { newRooms: 'public', card: '2KiB' } } },
)

story('what a room shows outlives a restart, sealed, and becomes what the room becomes', async world => {
  const owner = await world.online('crone1')
  await opens(owner, 'firstwitch')
  await askRoom(owner, 'set', WITH_AVATAR)
  await arranges(owner, { persistentroom: '1' })
  const rows = (): Promise<{ box: Uint8Array }[]> => world.store.all(sql`SELECT box FROM muc_card`)
  assert.equal(Buffer.from((await rows())[0]!.box).includes('PHOTO'), false)
  world.restarts()
  const again = await world.online('crone1')
  await joins(again, 'firstwitch')
  assert.deepEqual(await hashesOf(again), [hash('sha1', PNG)])
  await arranges(again, { persistentroom: '0' })
  assert.deepEqual(await rows(), [])
  assert.deepEqual(await hashesOf(again), [hash('sha1', PNG)])
  assert.match(String(await askRoom(again, 'get', card())), /BINVAL/)
})

story('of a hidden room strangers see no card', async world => {
  const owner = await world.online('crone1')
  await opens(owner, 'firstwitch')
  await askRoom(owner, 'set', WITH_AVATAR)
  owner.forget()
  assert.equal(conditionIn(await askRoom(await world.online('stranger'), 'get', card())), 'item-not-found')
  assert.equal(conditionIn(await askRoom(await world.online('stranger2'), 'set', card())), 'item-not-found')
})

for (const secrets of ['memory', 'file'] as const)
  story(
    `what a room shows that is in memory alone outlives a restart, but leaves nothing on disk; secrets: ${secrets}`,
    async world => {
      const [crone] = await coven(world)
      await askRoom(crone, 'set', WITH_AVATAR)
      crone.forget()
      await world.host.close(new StreamError('system-shutdown'))
      assert.equal((await world.store.all(sql`SELECT box FROM muc_card`)).length, 1)
      world.restarts()
      await world.settled()
      const again = await world.online('crone1', 'desktop')
      assert.deepEqual(await hashesOf(again), [hash('sha1', PNG)])
      assert.match(String(await askRoom(again, 'get', card())), /BINVAL/)
      assert.equal((await world.store.all(sql`SELECT box FROM muc_card`)).length, 0)
      again.forget()
    },
    { ...open, arrangements: { showsPasswords: false, secrets } },
  )

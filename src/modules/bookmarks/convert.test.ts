import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { type Bookmark, fromStorage, toStorage } from './convert.ts'

const storage = (inside: string): Element => parseElement(`<storage xmlns='storage:bookmarks'>${inside}</storage>`)
const conference = (attrs: string, inside = ''): Element =>
  parseElement(`<conference xmlns='urn:xmpp:bookmarks:1' ${attrs}>${inside}</conference>`)
const room = (name: string, attrs = '', inside = ''): Bookmark => ({ id: `${name}@rooms.example`, payload: conference(attrs, inside) })
const shown = ({ published, retracted }: ReturnType<typeof fromStorage>) => ({
  published: published.map(({ id, payload }) => [id, payload.toString('urn:xmpp:bookmarks:1')]),
  retracted,
})

const THE_PLAY = room('theplay', 'name="The Play" autojoin="true"', '<nick>JC</nick>')
const NOTIFY = '<notify xmlns="urn:xmpp:notification-settings:1"><never/></notify>'
const ORCHARD = room(
  'orchard',
  'autojoin="1"',
  `<password>Gl0b3</password><extensions>${NOTIFY}<state xmlns="urn:x" mini="1"/></extensions>`,
)

test('XEP-0402 §5.3.1: all bookmarks are one list, each with the address of its room', () => {
  assert.equal(
    toStorage([THE_PLAY, ORCHARD], undefined).inner,
    "<conference jid='theplay@rooms.example' name='The Play' autojoin='true'><nick>JC</nick></conference>" +
      "<conference jid='orchard@rooms.example' autojoin='1'><password>Gl0b3</password>" +
      "<notify xmlns='urn:xmpp:notification-settings:1'><never/></notify><state xmlns='urn:x' mini='1'/></conference>",
  )
  assert.equal(String(toStorage([], undefined)), "<storage xmlns='storage:bookmarks'/>")
})

test('XEP-0048 §2.2: bookmarks of web pages stay in the list, and so does what is not understood', () => {
  const rest = '<url name="Works" url="https://example.org/"/><conference name="nowhere"/><conference jid="@"/><x xmlns="urn:x"/>'
  const former = storage(`<conference jid="gone@rooms.example"/>${rest}`)
  assert.equal(toStorage([], former).inner, storage(rest).inner)
})

test('XEP-0402 §5.3.2: a list in the old format changes what it changes, and nothing else', () => {
  const changes = fromStorage(
    storage(
      '<conference jid="theplay@rooms.example" name="The Play" autojoin="1"><nick>JC</nick></conference>' +
        '<conference jid="new@rooms.example" name="New"><nick>me</nick></conference><url url="https://example.org/"/>',
    ),
    [THE_PLAY, ORCHARD],
  )
  assert.deepEqual(shown(changes), {
    published: [['new@rooms.example', "<conference name='New'><nick>me</nick></conference>"]],
    retracted: ['orchard@rooms.example'],
  })
})

test('XEP-0402 §3.4: extensions are kept by those who do not know them', () => {
  const extensions =
    "<extensions><notify xmlns='urn:xmpp:notification-settings:1'><never/></notify><state xmlns='urn:x' mini='1'/></extensions>"
  const renamed = fromStorage(storage('<conference jid="orchard@rooms.example" name="Orchard"/>'), [ORCHARD])
  assert.deepEqual(shown(renamed).published, [['orchard@rooms.example', `<conference name='Orchard'>${extensions}</conference>`]])
  const own = storage('<conference jid="orchard@rooms.example"><state xmlns="urn:x" mini="0"/><more xmlns="urn:x"/></conference>')
  assert.deepEqual(shown(fromStorage(own, [ORCHARD])).published, [
    [
      'orchard@rooms.example',
      `<conference>${extensions.replace("mini='1'", "mini='0'").replace('</extensions>', "<more xmlns='urn:x'/></extensions>")}</conference>`,
    ],
  ])
})

test('a room has one bookmark, however its address is written', () => {
  const odd = { id: 'ThePlay@Rooms.example', payload: THE_PLAY.payload }
  const same = '<nick>JC</nick></conference>'
  const list = storage(
    `<conference jid="theplay@ROOMS.example/JC" name="The Play" autojoin="true">${same}<conference jid="theplay@rooms.example" name="Again"/>`,
  )
  assert.deepEqual(shown(fromStorage(list, [odd])), { published: [], retracted: [] })
  assert.deepEqual(shown(fromStorage(storage(''), [odd, THE_PLAY])).retracted, [odd.id, THE_PLAY.id])
})

test('what a client could not see in the list before, it has not taken away', () => {
  const former = toStorage([THE_PLAY], undefined)
  assert.deepEqual(shown(fromStorage(storage(''), [THE_PLAY, ORCHARD], former)).retracted, [THE_PLAY.id])
})

test('a bookmark whose address is too long for an id stays in the list alone', () => {
  const long = storage(`<conference jid="theplay@${'x'.repeat(250)}.${'y'.repeat(250)}.${'z'.repeat(20)}.example"/>`)
  assert.deepEqual(fromStorage(long, []), { published: [], retracted: [] })
  assert.equal(String(toStorage([], long)), String(long))
})

test('as many extensions as there may be cost no more than their number', () => {
  const many = (name: string): string => Array.from({ length: 5000 }, (_, i) => `<${name}${i} xmlns="urn:x"/>`).join('')
  const there = room('theplay', '', `<extensions>${many('a')}</extensions>`)
  const began = performance.now()
  const { published } = fromStorage(storage(`<conference jid="theplay@rooms.example">${many('b')}</conference>`), [there])
  assert.equal(published[0]?.payload.elements()[0]?.elements().length, 10_000)
  assert.ok(performance.now() - began < 500)
})

test('nothing but a bookmark gets into a list by way of a bookmark', () => {
  const forged = room(
    'x',
    'jid="other@rooms.example" url="https://example.org/"',
    '<nick><b/>me</nick><nick xmlns="storage:bookmarks">you</nick>',
  )
  const inside = room('x', '', '<extensions><nick xmlns="storage:bookmarks">you</nick></extensions>')
  assert.equal(toStorage([forged], undefined).inner, "<conference jid='x@rooms.example'><nick>me</nick></conference>")
  assert.equal(toStorage([inside], undefined).inner, "<conference jid='x@rooms.example'/>")
})

test('what the list of all bookmarks says back changes none of them', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const one = fc.record({
    id: name.map(local => `${local}@rooms.example`),
    payload: fc
      .record({
        name: fc.option(fc.string()),
        autojoin: fc.constantFrom('true', '1', 'false', '0', undefined),
        nick: fc.option(fc.string()),
      })
      .map(({ name, autojoin, nick }) => {
        const made = conference('', nick === null ? '' : '<nick/><extensions><a xmlns="urn:a"/></extensions>')
        return made.with({ name: name ?? undefined, autojoin })
      }),
  })
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: ({ id }) => id }), bookmarks => {
      assert.deepEqual(fromStorage(toStorage(bookmarks, undefined), bookmarks), { published: [], retracted: [] })
    }),
  )
})

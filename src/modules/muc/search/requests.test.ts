import assert from 'node:assert/strict'
import { arranges, askRoom, joins, open, opens, SERVICE } from '../../../../test/muc-story.ts'
import { type Client, story } from '../../../../test/story.ts'
import type { Element } from '../../../xml/element.ts'

const NS = 'urn:xmpp:channel-search:0'
const SEARCHABLE = '{urn:xmpp:channel-search:0}searchable'
const GARDEN = `garden@${SERVICE}`
const COVEN = `coven@${SERVICE}`

const searchXml = (...fields: [string, string][]): string => {
  const all = [['FORM_TYPE', `${NS}:search-params`], ...fields].map(
    ([name, value]) => `<field var="${name}"><value>${value}</value></field>`,
  )
  return `<search xmlns="${NS}:search"><x xmlns="jabber:x:data" type="submit">${all.join('')}</x></search>`
}

const search = (client: Client, ...fields: [string, string][]): Promise<Element> => askRoom(client, 'get', searchXml(...fields), SERVICE)

const found = async (client: Client, ...fields: [string, string][]): Promise<(string | undefined)[]> =>
  (await search(client, ...fields))
    .first()!
    .elements()
    .filter(({ name }) => name === 'item')
    .map(({ attrs }) => attrs['address'])

story(
  'XEP-0433 §4.1, §4.2.1: the service says that one can search there, and how',
  async world => {
    const juliet = await world.online('juliet')
    assert.match(
      String(await askRoom(juliet, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>', SERVICE)),
      new RegExp(`var='${NS}:search'`),
    )
    const form = await askRoom(juliet, 'get', `<search xmlns="${NS}:search"/>`, SERVICE)
    assert.match(String(form), new RegExp(`<value>${NS}:search-params</value>`))
  },
  open,
)

story(
  'XEP-0433 §4.2.2: rooms are found whose owners want it, in memory and on disk, until they do not any more',
  async world => {
    const crone = await world.online('crone1')
    await opens(crone, 'firstwitch', COVEN)
    await opens(crone, 'firstwitch', GARDEN)
    await arranges(crone, { persistentroom: '1', roomname: 'A Dark Cave', [SEARCHABLE]: '1' }, COVEN)
    await arranges(crone, { roomname: 'The Garden' }, GARDEN)
    const juliet = await world.online('juliet')
    await joins(juliet, 'juliet', COVEN)
    assert.deepEqual(await found(juliet, ['all', 'true']), [COVEN])
    await arranges(crone, { [SEARCHABLE]: '1' }, GARDEN)
    assert.deepEqual(await found(juliet, ['all', 'true']), [COVEN, GARDEN])
    assert.deepEqual(await found(juliet, ['q', 'dark']), [COVEN])
    assert.match(String(await search(juliet, ['q', 'dark'])), /<nusers>2<\/nusers>/)
    world.restarts()
    const again = await world.online('juliet')
    assert.deepEqual(await found(again, ['all', 'true']), [COVEN])
    assert.match(String(await search(again, ['q', 'dark'])), /<nusers>0<\/nusers>/)
    const owner = await world.online('crone1')
    await joins(owner, 'firstwitch', COVEN)
    await arranges(owner, { publicroom: '0' }, COVEN)
    assert.deepEqual(await found(again, ['all', 'true']), [])
  },
  open,
)

story(
  'XEP-0433 §4.2.2: nothing found is no error',
  async world => {
    const juliet = await world.online('juliet')
    assert.equal((await search(juliet, ['q', 'nothing'])).attrs['type'], 'result')
  },
  open,
)

story(
  'XEP-0433 §4.2.2: who searches too often is told when to come again',
  async world => {
    const juliet = await world.online('juliet')
    for (let i = 0; i < 2; i++) await search(juliet, ['q', 'nothing'])
    assert.match(
      String(await search(juliet, ['q', 'nothing'])),
      /<error type='wait'><resource-constraint.*<rate-limit [^>]*retry-after='30'/,
    )
  },
  { settings: { muc: { searches: 2 } } },
)

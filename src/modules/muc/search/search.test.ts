import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from '../../../xml/parser.ts'
import { INITIAL, type RoomConfig } from '../config.ts'
import { isForForm, readSearch, Search, searchForm } from './form.ts'
import { type Findable, resultElement } from './search.ts'

const NS = 'urn:xmpp:channel-search:0'

function search(fields: Readonly<Record<string, string | readonly string[]>>, rsm = '') {
  const all = Object.entries({ FORM_TYPE: `${NS}:search-params`, ...fields }).map(
    ([name, value]) =>
      `<field var="${name}">${[value]
        .flat()
        .map(each => `<value>${each}</value>`)
        .join('')}</field>`,
  )
  const set = rsm === '' ? '' : `<set xmlns="http://jabber.org/protocol/rsm">${rsm}</set>`
  return readSearch(
    parseElement(`<search xmlns="${NS}:search"><x xmlns="jabber:x:data" type="submit">${all.join('')}</x>${set}</search>`),
    100,
  )
}

const room = (name: string, occupants: number, config: Partial<RoomConfig> = {}): Findable => ({
  address: `${name}@conference.here.example`,
  occupants,
  config: { ...INITIAL, isPublic: true, isMembersOnly: false, isSearchable: true, whois: 'moderators', ...config },
})

const ROOMS = [
  room('garden', 3, { name: 'The Garden', description: 'For those who like flowers', language: 'en' }),
  room('coven', 13, { name: 'A Dark Cave', isMembersOnly: true, whois: 'anyone' }),
  room('balcony', 2, { description: 'Above the garden', password: 'orchard' }),
]

const found = (
  rooms: readonly Findable[],
  fields: Readonly<Record<string, string | readonly string[]>>,
  rsm = '',
): (string | undefined)[] =>
  resultElement(rooms, search(fields, rsm))
    .all(Search, 'item')
    .map(item => item.attrs['address']?.split('@')[0])

function refused(condition: string, type: string, extra: string, fields: Readonly<Record<string, string>>): void {
  assert.throws(
    () => search(fields),
    error => {
      const {
        condition: actual,
        type: actualType,
        extra: actualExtra,
      } = error as { condition: string; type: string; extra?: { name: string; ns: string } }
      assert.deepEqual([actual, actualType, actualExtra?.name, actualExtra?.ns], [condition, type, extra, `${NS}:error`])
      return true
    },
  )
}

test('XEP-0433 §4.2.1: the form has all fields with what holds where nothing is said', () => {
  assert.equal(isForForm(parseElement(`<search xmlns="${NS}:search"/>`)), true)
  const xml = String(searchForm())
  for (const name of ['q', 'all', 'sinname', 'sindescription', 'sinaddress', 'min_users', 'types', 'key'])
    assert.match(xml, new RegExp(`var='${name}'`))
})

test('XEP-0433 §4.2.2: words are looked for in names, descriptions and addresses; all of them must be there', () => {
  assert.deepEqual(found(ROOMS, { q: 'garden' }), ['garden', 'balcony'])
  assert.deepEqual(found(ROOMS, { q: 'GARDEN flow' }), ['garden'])
  assert.deepEqual(found(ROOMS, { q: 'cave' }), ['coven'])
  assert.deepEqual(found(ROOMS, { q: 'balcony', sinaddress: 'false' }), [])
  assert.deepEqual(found(ROOMS, { q: 'balcony', sinaddr: '0' }), [])
  assert.deepEqual(found(ROOMS, { q: 'above', sindescription: 'false' }), [])
  assert.deepEqual(found(ROOMS, { q: 'dark', sinname: 'false' }), [])
  assert.deepEqual(found(ROOMS, { q: 'conference.here' }), ['coven', 'garden', 'balcony'])
})

test('XEP-0433 §4.2.2: all of them, by the number of occupants or by address, a page at a time', () => {
  assert.deepEqual(found(ROOMS, { all: 'true' }), ['coven', 'garden', 'balcony'])
  const key = `{${NS}:order}address`
  assert.deepEqual(found(ROOMS, { all: '1', key }), ['balcony', 'coven', 'garden'])
  assert.deepEqual(found(ROOMS, { all: '1', key }, '<max>1</max><after>balcony@conference.here.example</after>'), ['coven'])
  assert.deepEqual(found(ROOMS, { all: '1', min_users: '3' }), ['coven', 'garden'])
})

test('XEP-0433 §5.1: other kinds of rooms than were asked for are not given', () => {
  assert.deepEqual(found(ROOMS, { all: '1', types: 'xep-0369' }), [])
  assert.deepEqual(found(ROOMS, { q: 'cave', types: ['xep-0369', 'xep-0045'] }), ['coven'])
})

test('XEP-0433 §5.2: what is said of each', () => {
  const result = resultElement(ROOMS, search({ q: 'flowers' }))
  assert.equal(
    String(result.first()),
    `<item xmlns='${NS}:search' address='garden@conference.here.example'><name>The Garden</name><description>For those who like flowers</description><language>en</language><nusers>3</nusers><service-type>xep-0045</service-type><is-open/><anonymity-mode>muc_semianonymous</anonymity-mode></item>`,
  )
  const [coven, , balcony] = resultElement(ROOMS, search({ all: '1' })).all(Search, 'item')
  assert.equal(coven!.child(Search, 'is-open'), undefined)
  assert.equal(coven!.child(Search, 'anonymity-mode')?.text, `{${NS}:anonymity}none`)
  assert.equal(balcony!.child(Search, 'is-open'), undefined)
})

test('only public rooms whose owners have said so are found', () => {
  assert.deepEqual(found([room('hidden', 1, { isPublic: false }), room('shy', 1, { isSearchable: false })], { all: '1' }), [])
})

test('XEP-0433 §4.2.2: what cannot be searched for is refused with its own condition', () => {
  refused('feature-not-implemented', 'modify', 'invalid-sort-key', { q: 'garden', key: 'colour' })
  refused('bad-request', 'modify', 'invalid-search-terms', { q: 'a b' })
  refused('bad-request', 'modify', 'conflicting-fields', { q: 'garden', all: 'true' })
  refused('bad-request', 'cancel', 'no-search-conditions', { sinname: 'true' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from '../../xml/parser.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { readForm } from '../../xmpp/forms.ts'
import { Affiliations } from './affiliations.ts'
import { INITIAL, type RoomConfig } from './config.ts'
import { CONFIG_FIELDS } from './config-fields.ts'
import { configForm, readConfigForm, type Submission } from './config-form.ts'

const limits = { occupants: 300, history: 20 }

const submitted = (fields: Readonly<Record<string, string | readonly string[]>>, before = INITIAL): Submission =>
  readConfigForm(
    parseElement(
      `<x xmlns="jabber:x:data" type="submit">${Object.entries(fields)
        .map(
          ([name, values]) =>
            `<field var="${name}">${[values]
              .flat()
              .map(value => `<value>${value}</value>`)
              .join('')}</field>`,
        )
        .join('')}</x>`,
    ),
    before,
    limits,
  )!

const refused = (condition: string) => (error: unknown) => error instanceof StanzaError && error.condition === condition

test('XEP-0045 §10.1.3: the form has every field of the registry (§16.5.3)', () => {
  const form = readForm(configForm(INITIAL, new Affiliations(), limits))
  assert.equal(form.formType, 'http://jabber.org/protocol/muc#roomconfig')
  for (const name of [
    'muc#maxhistoryfetch',
    ...'allowpm allowinvites changesubject getmemberlist lang pubsub maxusers membersonly moderatedroom passwordprotectedroom'.split(' '),
    ...'persistentroom presencebroadcast publicroom roomadmins roomdesc roomname roomowners roomsecret whois'.split(' '),
  ])
    assert.ok(form.field(name.includes('#') ? name : `muc#roomconfig_${name}`) !== undefined, `${name} is not in the form`)
})

test('what is offered and sent back changes nothing', () => {
  const before: RoomConfig = { ...INITIAL, password: 'cauldronburn', maxUsers: 33, slowMode: 20, name: 'A Dark Cave', getMemberList: [] }
  const affiliations = new Affiliations([
    ['crone1@shakespeare.lit', { affiliation: 'owner' }],
    ['wiccarocks@shakespeare.lit', { affiliation: 'admin' }],
  ])
  const form = configForm(before, affiliations, limits)
  const { config, owners, admins } = readConfigForm(form.with({ type: 'submit' }), before, limits)!
  assert.deepEqual(config, before)
  assert.deepEqual(owners, ['crone1@shakespeare.lit'])
  assert.deepEqual(admins, ['wiccarocks@shakespeare.lit'])
})

test('XEP-0045 §10.1.2: a form in which nothing is says that all is well', () => {
  assert.deepEqual(submitted({}).config, INITIAL)
  assert.equal(submitted({}).owners, undefined)
})

test('XEP-0045 §10.1.3: a form may be cancelled', () => {
  assert.equal(readConfigForm(parseElement('<x xmlns="jabber:x:data" type="cancel"/>'), INITIAL, limits), undefined)
})

test('XEP-0045 §10.1.3: a room with a password needs one', () => {
  assert.throws(() => submitted({ 'muc#roomconfig_passwordprotectedroom': '1' }), refused('not-acceptable'))
  assert.throws(
    () => submitted({ 'muc#roomconfig_passwordprotectedroom': '1', 'muc#roomconfig_roomsecret': '' }),
    refused('not-acceptable'),
  )
  const both = submitted({ 'muc#roomconfig_passwordprotectedroom': '1', 'muc#roomconfig_roomsecret': 'cauldronburn' }).config
  assert.equal(both.password, 'cauldronburn')
  assert.equal(submitted({ 'muc#roomconfig_roomsecret': 'cauldronburn' }).config.password, 'cauldronburn')
  assert.equal(submitted({ 'muc#roomconfig_passwordprotectedroom': '0' }, both).config.password, '')
  assert.equal(submitted({ 'muc#roomconfig_roomname': 'Cave' }, both).config.password, 'cauldronburn')
})

test('an archive has several names', () => {
  for (const name of ['muc#roomconfig_enablearchiving', 'mam', 'muc#roomconfig_enablelogging']) {
    assert.equal(submitted({ [name]: '0' }).config.archive, false)
    assert.equal(submitted({ [name]: '1' }, { ...INITIAL, archive: false }).config.archive, true)
  }
})

test('more than there may be is as much as there may be', () => {
  assert.equal(submitted({ 'muc#roomconfig_maxusers': '5000' }).config.maxUsers, 'none')
  assert.equal(submitted({ 'muc#maxhistoryfetch': '50' }).config.maxHistory, 20)
  assert.equal(submitted({ 'muc#roomconfig_slow_mode_duration': '999999999' }).config.slowMode, 86_400)
})

test('XEP-0500 §4.1: the field of the slow mode is validated as a whole number from 0', () => {
  const field = configForm(INITIAL, new Affiliations(), limits)
    .elements()
    .find(each => each.attrs['var'] === 'muc#roomconfig_slow_mode_duration')!
  const validate = field.elements().find(each => each.ns === 'http://jabber.org/protocol/xdata-validate')!
  assert.equal(validate.attrs['datatype'], 'xs:integer')
  assert.equal(validate.elements()[0]!.attrs['min'], '0')
  assert.equal(field.attrs['type'], 'text-single')
})

test('XEP-0045 §10.1.3: what cannot be is not acceptable', () => {
  for (const [name, value] of [
    ['muc#roomconfig_publicroom', 'perhaps'],
    ['muc#roomconfig_whois', 'none'],
    ['muc#roomconfig_allowpm', 'everybody'],
    ['muc#roomconfig_maxusers', '-1'],
    ['muc#roomconfig_maxusers', '0'],
    ['muc#roomconfig_slow_mode_duration', '1.5'],
    ['muc#roomconfig_presencebroadcast', 'king'],
    ['muc#roomconfig_roomname', 'x'.repeat(1001)],
    ['muc#roomconfig_roomsecret', 'x'.repeat(201)],
  ] as const)
    assert.throws(() => submitted({ [name]: value }), refused('not-acceptable'), `${name} may be ${value}`)
  assert.throws(() => submitted({ 'muc#roomconfig_roomowners': 'not@an@address' }), refused('jid-malformed'))
  assert.throws(() => submitted({ FORM_TYPE: 'urn:example:other' }), refused('bad-request'))
})

test('of people it is the bare address that counts', () => {
  const { admins } = submitted({ 'muc#roomconfig_roomadmins': ['Hecate@shakespeare.lit/broom', 'hecate@shakespeare.lit'] })
  assert.deepEqual(admins, ['hecate@shakespeare.lit'])
})

test('no two fields have one name', () => {
  const names = CONFIG_FIELDS.flatMap(({ name, aliases }) => [name, ...aliases])
  assert.equal(new Set(names).size, names.length)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Element } from '../xml/element.ts'
import { type Field, Forms, formElement, readForm, readSubmission, tableElement } from './forms.ts'

const offered: Field[] = [
  { type: 'fixed', values: ['About the room'] },
  { var: 'name', type: 'text-single', label: 'Name', desc: 'What others see', isRequired: true, values: ['Hall'] },
  { var: 'about', type: 'text-multi', values: ['one', 'two'] },
  { var: 'public', type: 'boolean', values: ['1'] },
  { var: 'who', type: 'list-single', options: [{ value: 'all', label: 'Everyone' }, { value: 'some' }] },
  { var: 'tags', type: 'list-multi', options: [{ value: 'a' }, { value: 'b' }] },
  { var: 'owners', type: 'jid-multi' },
]

const submit = (...fields: Field[]): Element => formElement('submit', 'urn:example:room', fields)
const refuse = (x: Element | undefined, condition: string): void =>
  assert.throws(() => readSubmission(x, 'urn:example:room', offered), { condition })

test('what is built is read back', () => {
  const form = readForm(formElement('form', 'urn:example:room', offered, { title: 'Room', instructions: 'Fill in' }))
  assert.equal(form.type, 'form')
  assert.equal(form.formType, 'urn:example:room')
  assert.deepEqual(
    form.fields.slice(1),
    offered.map(field => ({ values: [], ...field })),
  )
})

test('the readers give types', () => {
  const form = readForm(
    submit(
      { var: 'about', values: ['one', 'two'] },
      { var: 'public', values: ['true'] },
      { var: 'most', values: ['20'] },
      { var: 'owner', values: ['Anna@example.org'] },
      { var: 'owners', values: ['Anna@example.org', 'ben@example.org', 'anna@example.org', ''] },
      { var: 'cleared' },
    ),
  )
  assert.equal(form.text('about'), 'one\ntwo')
  assert.equal(form.boolean('public'), true)
  assert.equal(form.number('most'), 20)
  assert.equal(form.jid('owner')?.toString(), 'anna@example.org')
  assert.deepEqual(form.jids('owners')?.map(String), ['anna@example.org', 'ben@example.org'])
  assert.equal(form.text('cleared'), '')
  for (const absent of ['cleared', 'nothing']) {
    assert.deepEqual([form.boolean(absent), form.number(absent), form.jid(absent)], [undefined, undefined, undefined])
  }
  assert.equal(form.text('nothing'), undefined)
  assert.throws(() => form.boolean('most'), { condition: 'bad-request' })
  assert.throws(() => form.number('public'), { condition: 'bad-request' })
})

test('FORM_TYPE counts in a submission without a type, and elsewhere only when hidden', () => {
  const field = Forms('field', { var: 'FORM_TYPE' }, Forms('value', {}, 'urn:example:room'))
  assert.equal(readForm(Forms('x', { type: 'submit' }, field)).formType, 'urn:example:room')
  assert.equal(readForm(Forms('x', { type: 'result' }, field)).formType, undefined)
})

test('what is no form is refused', () => {
  const twice = Forms('field', { var: 'a' })
  for (const x of [
    undefined,
    Forms('x', {}),
    Forms('x', { type: 'error' }),
    Forms('item', { type: 'form' }),
    new Element('other', 'x', { type: 'form' }, []),
  ]) {
    assert.throws(() => readForm(x), { condition: 'bad-request' })
  }
  assert.throws(() => readForm(Forms('x', { type: 'submit' }, twice, twice)), { condition: 'bad-request' })
})

test('a submission gets the offered types, and loses what was not offered', () => {
  const form = readSubmission(
    submit({ var: 'name', values: ['Attic'] }, { var: 'who', values: ['some'] }, { var: 'x', values: ['y'] }),
    'urn:example:room',
    offered,
  )
  assert.equal(form.formType, 'urn:example:room')
  assert.deepEqual(form.field('who'), { var: 'who', type: 'list-single', values: ['some'] })
  assert.equal(form.field('x'), undefined)
})

test('a submission of another kind is a bad request', () => {
  refuse(formElement('form', 'urn:example:room', [{ var: 'name', values: ['Attic'] }]), 'bad-request')
  refuse(formElement('submit', 'urn:example:other', [{ var: 'name', values: ['Attic'] }]), 'bad-request')
  refuse(undefined, 'bad-request')
})

test('a submission with data that is not valid is not acceptable', () => {
  const name = { var: 'name', values: ['Attic'] }
  refuse(submit(), 'not-acceptable')
  refuse(submit({ var: 'name' }), 'not-acceptable')
  refuse(submit({ var: 'name', values: [''] }), 'not-acceptable')
  refuse(submit({ var: 'name', values: ['Attic', 'Hall'] }), 'not-acceptable')
  refuse(submit(name, { var: 'public', values: ['yes'] }), 'not-acceptable')
  refuse(submit(name, { var: 'who', values: ['nobody'] }), 'not-acceptable')
  refuse(submit(name, { var: 'tags', values: ['a', 'c'] }), 'not-acceptable')
  refuse(submit(name, { var: 'owners', values: ['a@b', '@'] }), 'not-acceptable')
})

test('a table has its columns before its rows', () => {
  const columns: Field[] = [{ var: 'jid', type: 'jid-single', label: 'Address' }, { var: 'name' }]
  assert.equal(
    tableElement(columns, [{ jid: ['a@b'] }]).toString(),
    "<x xmlns='jabber:x:data' type='result'><reported><field var='jid' type='jid-single' label='Address'/><field var='name'/></reported>" +
      "<item><field var='jid'><value>a@b</value></field><field var='name'/></item></x>",
  )
})

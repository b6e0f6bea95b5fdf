import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from '../xml/parser.ts'
import { capsHash } from './caps-hash.ts'
import { readInfo } from './disco.ts'

const hashOf = (children: string): string | undefined =>
  capsHash(readInfo(parseElement(`<query xmlns="http://jabber.org/protocol/disco#info">${children}</query>`)))

const FEATURES = ['disco#items', 'caps', 'muc', 'disco#info'].map(name => `<feature var="http://jabber.org/protocol/${name}"/>`).join('')
const form = (fields: string): string => `<x xmlns="jabber:x:data" type="result">${fields}</x>`
const field = (name: string, values: readonly string[], type = ''): string =>
  `<field var="${name}" ${type && `type="${type}"`}>${values.map(value => `<value>${value}</value>`).join('')}</field>`

test('XEP-0115 §5.2: the simple example gives the verification string of the specification', () => {
  assert.equal(hashOf(`<identity category="client" type="pc" name="Exodus 0.9.1"/>${FEATURES}`), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
})

test('XEP-0115 §5.3: so does the one with languages and a form', () => {
  const psi = `<identity xml:lang="en" category="client" name="Psi 0.11" type="pc"/><identity xml:lang="el" category="client" name="Ψ 0.11" type="pc"/>`
  const software = form(
    field('os', ['Mac']) +
      field('FORM_TYPE', ['urn:xmpp:dataforms:softwareinfo'], 'hidden') +
      field('ip_version', ['ipv6', 'ipv4'], 'text-multi') +
      field('software_version', ['0.11']) +
      field('os_version', ['10.5.1']) +
      field('software', ['Psi']),
  )
  assert.equal(hashOf(psi + FEATURES + software), 'q07IKJEyjvHSyhy//CH0CxmKi8w=')
})

test('XEP-0115 §5.4: what is said twice is ill-formed', () => {
  const typed = form(field('FORM_TYPE', ['urn:example:a'], 'hidden'))
  assert.equal(hashOf('<feature var="a"/><feature var="a"/>'), undefined)
  assert.equal(hashOf('<identity category="client" type="pc"/><identity category="client" type="pc"/>'), undefined)
  assert.equal(hashOf(typed + typed), undefined)
  assert.equal(hashOf(form(field('FORM_TYPE', ['urn:example:a', 'urn:example:b'], 'hidden'))), undefined)
})

test('XEP-0115 §9.3: what could be read as something else is ill-formed', () => {
  assert.equal(hashOf('<feature var="a&lt;b"/>'), undefined)
  assert.equal(hashOf('<identity category="client" type="pc" name="a&lt;b"/>'), undefined)
  for (const [name, value] of [
    ['a&lt;b', 'c'],
    ['a', 'b&lt;c'],
  ] as const)
    assert.equal(hashOf(form(field('FORM_TYPE', ['urn:example:a'], 'hidden') + field(name, [value]))), undefined)
  assert.equal(hashOf(form(field('FORM_TYPE', ['a&lt;b'], 'hidden'))), undefined)
  assert.equal(hashOf('<identity category="client/pc" type="" name="a"/>'), undefined)
  assert.equal(hashOf('<identity category="http:" type="" xml:lang="jabber.org" name="protocol/tune+notify"/>'), undefined)
  assert.notEqual(hashOf('<identity category="client" type="pc" name="a/b"/>'), undefined)
})

test('XEP-0115 §5.4: forms without a hidden FORM_TYPE are left out', () => {
  const plain = hashOf('<feature var="a"/>')
  assert.equal(hashOf(`<feature var="a"/>${form(field('os', ['Mac']))}`), plain)
  assert.equal(hashOf(`<feature var="a"/>${form(field('FORM_TYPE', ['urn:example:a']))}`), plain)
})

test('features are sorted by octets, also beyond the basic plane', () => {
  assert.equal(hashOf('<feature var="&#xFFFD;"/><feature var="&#x1F600;"/>'), hashOf('<feature var="&#x1F600;"/><feature var="&#xFFFD;"/>'))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuedBy, type Names, selfSigned } from '../../../test/net/certificates.ts'
import { addressOctets, asciiDomain } from '../domain-name.ts'
import { namesDomain } from './server-identity.ts'

const authority = selfSigned()
const cert = (names?: Names, subject = '') => issuedBy(authority, { subject, ...(names && { names }) }).cert

const table: [title: string, names: Names, domain: string, expected: boolean][] = [
  ['a DNS name', { dns: ['there.example'] }, 'there.example', true],
  ['a DNS name in capitals', { dns: ['There.EXAMPLE'] }, 'there.example', true],
  ['a domain in capitals, with the dot of the root', { dns: ['there.example'] }, 'There.Example.', true],
  ['another domain', { dns: ['there.example'] }, 'here.example', false],
  ['a domain above', { dns: ['there.example'] }, 'example', false],
  ['a domain below', { dns: ['there.example'] }, 'chat.there.example', false],
  ['the last of many', { dns: [...Array.from({ length: 999 }, (_, i) => `host-${i}.example`), 'there.example'] }, 'there.example', true],
  ['a wildcard', { dns: ['*.there.example'] }, 'chat.there.example', true],
  ['a wildcard for two labels', { dns: ['*.there.example'] }, 'a.chat.there.example', false],
  ['a wildcard for no label', { dns: ['*.there.example'] }, 'there.example', false],
  ['a wildcard for a part of a label', { dns: ['ch*.there.example'] }, 'chat.there.example', false],
  ['a wildcard for the end of a label', { dns: ['*t.there.example'] }, 'chat.there.example', false],
  ['a wildcard that is not the first label', { dns: ['chat.*.example'] }, 'chat.there.example', false],
  ['two wildcards', { dns: ['*.*.example'] }, 'chat.there.example', false],
  ['a wildcard over a top-level domain', { dns: ['*.example'] }, 'there.example', false],
  ['a wildcard over everything', { dns: ['*'] }, 'example', false],
  ['a domain that is itself a wildcard', { dns: ['*.there.example'] }, '*.there.example', false],
  ['a NUL in a DNS name', { dns: ['there.example\0.evil.example'] }, 'there.example', false],
  ['a NUL in a domain', { dns: ['there.example'] }, 'there.example\0', false],
  ['a DNS name with the dot of the root', { dns: ['there.example.'] }, 'there.example', false],
  ['an empty DNS name', { dns: [''] }, '', false],
  ['an international domain as A-labels', { dns: ['xn--bcher-kva.example'] }, 'bücher.example', true],
  ['an international domain given as A-labels', { dns: ['xn--bcher-kva.example'] }, 'xn--bcher-kva.example', true],
  ['U-labels in a DNS name', { dns: [Buffer.from('bücher.example')] }, 'bücher.example', false],
  ['U-labels of Latin-1 in a DNS name', { dns: [Buffer.from('bücher.example', 'latin1')] }, 'bücher.example', false],
  ['a letter that only looks alike', { dns: ['there.example'] }, 'thеre.example', false],
  ['a wildcard for an international label', { dns: ['*.there.example'] }, 'bücher.there.example', true],
  ['an SRVName', { srv: ['_xmpp-server.there.example'] }, 'there.example', true],
  ['an SRVName in capitals', { srv: ['_XMPP-Server.There.example'] }, 'there.example', true],
  ['an SRVName of another service', { srv: ['_xmpp-client.there.example'] }, 'there.example', false],
  ['an SRVName with a wildcard', { srv: ['_xmpp-server.*.there.example'] }, 'chat.there.example', false],
  ['an SRVName without a service', { srv: ['there.example'] }, 'there.example', false],
  ['a JID', { xmpp: ['there.example'] }, 'there.example', true],
  ['an international JID', { xmpp: ['BÜCHER.example'] }, 'bücher.example', true],
  ['the JID of a user', { xmpp: ['juliet@there.example'] }, 'there.example', false],
  ['the JID of a resource', { xmpp: ['there.example/a'] }, 'there.example', false],
  ['a JID with a wildcard', { xmpp: ['*.there.example'] }, 'chat.there.example', false],
  ['an IPv4 address', { ip: [[192, 0, 2, 1]] }, '192.0.2.1', true],
  ['another IPv4 address', { ip: [[192, 0, 2, 2]] }, '192.0.2.1', false],
  ['an IPv4 address as a DNS name', { dns: ['192.0.2.1'], xmpp: ['192.0.2.1'] }, '192.0.2.1', false],
  ['an IPv6 address', { ip: [[0x20, 0x01, 0x0d, 0xb8, ...Array(11).fill(0), 1]] }, '[2001:db8::1]', true],
  ['an IPv6 address that is mapped', { ip: [[192, 0, 2, 1]] }, '[::ffff:192.0.2.1]', false],
  ['an email address', { email: ['there.example'] }, 'there.example', false],
  ['a directory name', { directory: ['there.example'] }, 'there.example', false],
]

for (const [title, names, domain, expected] of table) {
  test(`RFC 9525 §6: ${title}: ${expected ? 'matches' : 'no match'}`, () => assert.equal(namesDomain(cert(names), domain), expected))
}

test('RFC 9525 §2: the common name is never looked at', () => {
  assert.equal(namesDomain(cert(undefined, 'there.example'), 'there.example'), false)
  assert.equal(namesDomain(cert({ dns: ['here.example'] }, 'there.example'), 'there.example'), false)
})

test('RFC 4985: the service may be another', () => {
  assert.equal(namesDomain(cert({ srv: ['_xmpp-client.there.example'] }), 'there.example', 'xmpp-client'), true)
})

test('who has more names than a thousand has none', () => {
  assert.equal(namesDomain(cert({ dns: Array(1_001).fill('there.example') }), 'there.example'), false)
})

test('what a URL would take for a host is no domain name', () => {
  for (const domain of [
    'a/b',
    'a?b',
    'a#b',
    'a@b',
    'a:1',
    '%61.example',
    'a b',
    '',
    '.',
    'a..b',
    '1.2',
    '0x7f.1',
    '192.0.2.1',
    '[::1]',
    '2130706433',
  ])
    assert.equal(asciiDomain(domain), undefined, domain)
  assert.equal(asciiDomain('a'.repeat(64)), undefined)
  assert.equal(asciiDomain(`${'a.'.repeat(127)}a`), undefined)
})

test('an address has one form, however it is written', () => {
  const octets = Buffer.from('20010db8000000000000000000000001', 'hex')
  for (const text of ['[2001:db8::1]', '[2001:DB8:0:0:0:0:0:1]', '[2001:0db8::0.0.0.1]']) assert.deepEqual(addressOctets(text), octets)
  assert.deepEqual(addressOctets('[1::]'), Buffer.from(`0001${'0'.repeat(28)}`, 'hex'))
  assert.deepEqual(addressOctets('[1:2:3:4:5:6:7:8]'), Buffer.from('00010002000300040005000600070008', 'hex'))
  for (const text of ['2001:db8::1', '[fe80::1%eth0]', '1.2', 'there.example']) assert.equal(addressOctets(text), undefined)
})

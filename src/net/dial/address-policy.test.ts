import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressPolicy } from './address-policy.ts'

const PUBLIC = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2a01:4f8::1',
  '2600::',
  '2001:470::1',
  '2002:101:101::1', // 6to4 of 1.1.1.1
  '64:ff9b::1.1.1.1',
  '::ffff:1.1.1.1',
  '::ffff:101:101',
]

const REFUSED = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::127.0.0.1',
  '::7f00:1',
  '100::1',
  'fe80::1',
  'fe80::1%lo',
  'febf::1',
  'fec0::1',
  'fc00::1',
  'fd00::1',
  'ff02::1',
  '2001::1',
  '2001:2::1',
  '2001:db8::1',
  '3fff::1',
  '4000::1',
  '64:ff9b:1::1',
  '::ffff:127.0.0.1',
  '::FFFF:7F00:1',
  '0:0:0:0:0:ffff:10.0.0.1',
  '::ffff:169.254.169.254',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a00:1',
  '2002:7f00:1::1',
  '2002:a00:1::',
  '2002:c0a8:101::1',
]

const NONE = ['', 'there.example', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '127.0.0.1 ', '[::1]', '1.1.1.1/32', '1.1.1.1:53']

test('public addresses may be connected to', () => {
  const policy = new AddressPolicy()
  for (const address of PUBLIC) assert.ok(policy.allows(address), address)
})

test('what is of this machine, of its networks or of nobody may not, however it is written', () => {
  const policy = new AddressPolicy()
  for (const address of REFUSED) assert.ok(!policy.allows(address), address)
})

test('what is no address may not', () => {
  const policy = new AddressPolicy(['0.0.0.0/0', '::/0'])
  for (const address of NONE) assert.ok(!policy.allows(address), address)
})

test('a network that the operator has allowed is open, and none beside it', () => {
  const policy = new AddressPolicy(['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32', '::1'])
  for (const address of ['10.1.2.3', '127.0.0.1', 'fd00:1::7', '::1', '::ffff:10.1.2.3', '64:ff9b::10.1.2.3', '2002:a01:203::1']) {
    assert.ok(policy.allows(address), address)
  }
  for (const address of ['10.2.0.1', '127.0.0.2', 'fd00:2::7', '::2', '::ffff:10.2.0.1', '64:ff9b::10.2.0.1']) {
    assert.ok(!policy.allows(address), address)
  }
})

test('a network that is none is told to the operator', () => {
  for (const network of ['', '10.0.0.0/33', '10.0.0/8', 'example', '::/129', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%lo/64', '10.0.0.0/-1']) {
    assert.throws(() => new AddressPolicy([network]), { message: /is no network/ }, network)
  }
})

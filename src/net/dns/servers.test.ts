import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseHostPort } from '../host-port.ts'
import { parseDnsServer, systemDnsServers } from './servers.ts'

const folder = mkdtempSync(join(tmpdir(), 'resolv-'))
after(() => rmSync(folder, { recursive: true }))

function serversIn(text: string) {
  const path = join(folder, 'resolv.conf')
  writeFileSync(path, text)
  return systemDnsServers(path).map(({ host }) => host)
}

test('the servers of the system are the first three that resolv.conf names', () => {
  assert.deepEqual(serversIn('search example\nnameserver 192.0.2.1\n#nameserver 192.0.2.9\nnameserver\t2001:db8::1\noptions rotate\n'), [
    '192.0.2.1',
    '2001:db8::1',
  ])
  assert.deepEqual(serversIn('nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4'), [
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.3',
  ])
})

test('where no server is named, it is the one of this machine', () => {
  assert.deepEqual(serversIn('nameserver nonsense\n'), ['127.0.0.1'])
  assert.deepEqual(systemDnsServers(join(folder, 'missing')), [{ host: '127.0.0.1', port: 53 }])
})

test('a server is written with or without its port', () => {
  assert.deepEqual(parseDnsServer('192.0.2.1'), { host: '192.0.2.1', port: 53 })
  assert.deepEqual(parseDnsServer('[2001:db8::1]:5353'), { host: '2001:db8::1', port: 5353 })
  assert.deepEqual(parseDnsServer('2001:db8::1'), { host: '2001:db8::1', port: 53 })
  assert.equal(parseDnsServer('dns.example'), undefined)
})

test('a host with a port is read, and what is none is not', () => {
  assert.deepEqual(parseHostPort('there.example', 5269), { host: 'there.example', port: 5269 })
  assert.deepEqual(parseHostPort('there.example:1', 5269), { host: 'there.example', port: 1 })
  assert.deepEqual(parseHostPort('[::1]', 5269), { host: '::1', port: 5269 })
  for (const text of ['', ':1', 'a:', 'a:0', 'a:65536', 'a:b', 'a:1:2', '[::1', '[a]:1', 'a b', 'a@b', '[::1]x']) {
    assert.equal(parseHostPort(text, 5269), undefined, text)
  }
})

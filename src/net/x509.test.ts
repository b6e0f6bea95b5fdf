import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { makeAuthority, makeLeaf } from './x509.ts'

const authority = makeAuthority('Conexizan on here.example', 3650)
const leaf = makeLeaf(authority, ['here.example', '*.here.example'], 365)

test('an authority signs itself and its leaves', () => {
  const ca = new X509Certificate(authority.cert)
  const mine = new X509Certificate(leaf.cert)
  assert.ok(ca.ca && !mine.ca)
  assert.ok(ca.verify(ca.publicKey) && mine.verify(ca.publicKey))
  assert.ok(ca.checkIssued(ca) && mine.checkIssued(ca))
  assert.ok(mine.checkPrivateKey(createPrivateKey(leaf.key)))
  assert.equal(mine.subjectAltName, 'DNS:here.example, DNS:*.here.example')
  assert.deepEqual(mine.keyUsage, ['1.3.6.1.5.5.7.3.1'])
})

test('a serial number is positive and has 20 octets, and no two are the same', () => {
  const serials = new Set(Array.from({ length: 20 }, () => new X509Certificate(makeLeaf(authority, ['a.example'], 1).cert).serialNumber))
  assert.equal(serials.size, 20)
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{39}$/)
})

test('RFC 5280 §4.1.2.5: dates from 2050 on are written as GeneralizedTime', () => {
  const late = new X509Certificate(makeLeaf(authority, ['a.example'], 365, Date.UTC(2049, 11, 1)).cert)
  assert.equal(late.validToDate.toISOString(), '2050-12-01T00:00:00.000Z')
})

test('a name that does not fit a common name is in the alternative names only', () => {
  const long = `${'a'.repeat(40)}.${'b'.repeat(40)}.example`
  const { subject, subjectAltName } = new X509Certificate(makeLeaf(authority, [long], 1).cert)
  assert.equal(subject ?? '', '')
  assert.equal(subjectAltName, `DNS:${long}`)
})

test('an international name is written as A-labels; what is no name is refused', () => {
  assert.equal(new X509Certificate(makeLeaf(authority, ['bücher.example'], 1).cert).subjectAltName, 'DNS:xn--bcher-kva.example')
  assert.throws(() => makeLeaf(authority, ['a/b'], 1), /not a domain name/)
  assert.throws(() => makeLeaf(authority, [], 1), /at least one name/)
})

test('openssl verifies the chain strictly', t => {
  const directory = mkdtempSync(join(tmpdir(), 'x509-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'ca.pem'), authority.cert)
  writeFileSync(join(directory, 'leaf.pem'), leaf.cert)
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'here.example', '-CAfile', 'ca.pem', 'leaf.pem']
  const { error, stdout, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' })
  if (error) return t.skip('openssl is not installed')
  assert.equal(stdout, 'leaf.pem: OK\n', stderr)
})

test('a TLS client that trusts the authority accepts the leaf for its names only', async t => {
  const server = createServer({ cert: leaf.cert, key: leaf.key }, socket => socket.on('error', () => {}).end()).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const good = connect({ port, host: '127.0.0.1', ca: authority.cert, servername: 'chat.here.example' })
  await once(good, 'secureConnect')
  assert.ok(good.authorized)
  good.destroy()
  const bad = connect({ port, host: '127.0.0.1', ca: authority.cert, servername: 'there.example' })
  const [error] = (await once(bad, 'error').catch(e => [e])) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
})

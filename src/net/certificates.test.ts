import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, type TestContext, test } from 'node:test'
import { type CertificateSource, Certificates } from './certificates.ts'
import { type Credentials, makeAuthority, makeLeaf } from './x509.ts'

const DAY = 86_400_000

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'certificates-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function keep(path: string, { cert, key }: Credentials): CertificateSource & { files: { cert: string; key: string } } {
  const files = { cert: join(path, 'chain.pem'), key: join(path, 'key.pem') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  return { domain: 'here.example', files }
}

test('without files, an authority of our own is made once and signs a certificate for each domain', t => {
  const data = directory(t)
  const sources = [{ domain: 'here.example', names: ['*.here.example'] }, { domain: 'there.example' }]
  const first = new Certificates(sources, data)
  assert.deepEqual(first.problems(), [])
  assert.equal(first.leafOf('here.example')?.subjectAltName, 'DNS:here.example, DNS:*.here.example')
  assert.ok(first.daysLeft('there.example')! >= 364)
  const ca = readFileSync(join(data, 'ca', 'ca.crt'), 'utf8')
  const second = new Certificates(sources, data)
  assert.equal(readFileSync(join(data, 'ca', 'ca.crt'), 'utf8'), ca)
  assert.equal(second.leafOf('here.example')?.serialNumber, first.leafOf('here.example')?.serialNumber)
})

test('only the owner may read the authority', t => {
  const data = directory(t)
  new Certificates([{ domain: 'here.example' }], data)
  assert.equal(statSync(join(data, 'ca')).mode & 0o777, 0o700)
  for (const file of ['ca.key', 'ca.crt', 'domains/here.example.key']) assert.equal(statSync(join(data, 'ca', file)).mode & 0o777, 0o600)
})

test('a certificate of our own is renewed 30 days before it expires, and when it lacks a name', t => {
  const data = directory(t)
  const before = new Certificates([{ domain: 'here.example' }], data).leafOf('here.example')!
  const kept = (file: string) => readFileSync(join(data, 'ca', file), 'utf8')
  const old = makeLeaf({ cert: kept('ca.crt'), key: kept('ca.key') }, ['here.example'], 29)
  writeFileSync(join(data, 'ca', 'domains', 'here.example.crt'), old.cert)
  writeFileSync(join(data, 'ca', 'domains', 'here.example.key'), old.key)
  const renewed = new Certificates([{ domain: 'here.example' }], data)
  assert.ok(renewed.daysLeft('here.example')! >= 364)
  assert.notEqual(renewed.leafOf('here.example')!.serialNumber, before.serialNumber)
  const wider = new Certificates([{ domain: 'here.example', names: ['chat.here.example'] }], data)
  assert.equal(wider.leafOf('here.example')!.subjectAltName, 'DNS:here.example, DNS:chat.here.example')
})

test('a certificate of our own is renewed while the server runs, and nothing else is touched', t => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.after(() => mock.timers.reset())
  const data = directory(t)
  const given = keep(data, makeLeaf(makeAuthority('Test', 3650), ['there.example'], 300))
  const certificates = new Certificates([{ domain: 'here.example' }, { domain: 'there.example', files: given.files }], data)
  let changes = 0
  certificates.onChanged(() => changes++)
  const [here, there] = [certificates.contextFor('here.example'), certificates.contextFor('there.example')]
  const before = certificates.leafOf('here.example')!
  mock.timers.setTime(Date.now() + 334 * DAY)
  assert.deepEqual(certificates.renew(), [])
  assert.deepEqual([certificates.leafOf('here.example'), changes], [before, 0])
  mock.timers.setTime(Date.now() + 2 * DAY)
  writeFileSync(given.files.cert, 'being written')
  assert.deepEqual(certificates.renew(), [])
  assert.notEqual(certificates.leafOf('here.example')!.serialNumber, before.serialNumber)
  assert.ok(certificates.daysLeft('here.example')! >= 364)
  assert.notEqual(certificates.contextFor('here.example'), here)
  assert.equal(certificates.contextFor('there.example'), there)
  assert.equal(changes, 1)
  certificates.renew()
  assert.equal(changes, 1)
})

test('that it cannot be renewed is told once, and tried again', t => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.after(() => mock.timers.reset())
  const data = directory(t)
  const certificates = new Certificates([{ domain: 'here.example' }], data)
  const before = certificates.leafOf('here.example')
  const domains = join(data, 'ca', 'domains')
  mock.timers.setTime(Date.now() + 336 * DAY)
  rmSync(domains, { recursive: true })
  writeFileSync(domains, 'no folder')
  assert.equal(certificates.renew().length, 1)
  assert.deepEqual(certificates.renew(), [])
  assert.equal(certificates.leafOf('here.example'), before)
  assert.equal(certificates.errors.length, 1)
  rmSync(domains)
  assert.deepEqual(certificates.renew(), [])
  assert.deepEqual(certificates.errors, [])
  assert.ok(certificates.daysLeft('here.example')! >= 364)
})

test('the name a client asks for chooses the certificate; the first domain is for all others', t => {
  const certificates = new Certificates(
    [
      { domain: 'here.example', names: ['xmpp.here.example'] },
      { domain: 'there.example', names: ['*.there.example'] },
    ],
    directory(t),
  )
  const [here, there] = [certificates.contextFor('here.example'), certificates.contextFor('there.example')]
  assert.ok(here && there && here !== there)
  assert.equal(certificates.contextFor(undefined), here)
  assert.equal(certificates.contextFor('unknown.example'), here)
  assert.equal(certificates.contextFor('xmpp.there.example'), there)
})

test('a service is served with the certificate of its domain, which may not carry its name', t => {
  const path = directory(t)
  const authority = makeAuthority('Test', 3650)
  const { files } = keep(path, makeLeaf(authority, ['there.example', 'rooms.there.example'], 90))
  const names = ['rooms.there.example', 'nodes.there.example']
  const certificates = new Certificates(
    [
      { domain: 'here.example', names: ['rooms.here.example'] },
      { domain: 'there.example', names, files },
    ],
    path,
  )
  for (const name of names) assert.equal(certificates.contextFor(name), certificates.contextFor('there.example'))
  assert.deepEqual(certificates.gaps(), ['nodes.there.example'])
})

test('a service of a domain that is not ASCII is found by the name that TLS has for it', t => {
  const path = directory(t)
  const { files } = keep(path, makeLeaf(makeAuthority('Test', 3650), ['xn--bcher-kva.example'], 90))
  const sources = [{ domain: 'here.example' }, { domain: 'bücher.example', names: ['rooms.bücher.example'], files }]
  const certificates = new Certificates(sources, path)
  assert.notEqual(certificates.contextFor('xn--bcher-kva.example'), certificates.contextFor('here.example'))
  assert.equal(certificates.contextFor('rooms.xn--bcher-kva.example'), certificates.contextFor('xn--bcher-kva.example'))
})

test('new files replace the old; bad new files leave the old and are told by a sentence', t => {
  const path = directory(t)
  const authority = makeAuthority('Test', 3650)
  const source = keep(path, makeLeaf(authority, ['here.example'], 90))
  const certificates = new Certificates([source], path)
  const first = certificates.leafOf('here.example')!
  keep(path, makeLeaf(authority, ['here.example'], 90))
  assert.deepEqual(certificates.reload(), [])
  const second = certificates.leafOf('here.example')!
  assert.notEqual(second.serialNumber, first.serialNumber)

  writeFileSync(source.files.cert, makeLeaf(authority, ['here.example'], 90).cert)
  assert.deepEqual(certificates.reload(), [`The key in ${source.files.key} does not belong to the certificate in ${source.files.cert}.`])
  writeFileSync(source.files.cert, 'no certificate')
  assert.deepEqual(certificates.reload(), [`${source.files.cert} is not a certificate in PEM format.`])
  rmSync(source.files.cert)
  assert.deepEqual(certificates.reload(), [`${source.files.cert} does not exist.`])
  assert.equal(certificates.leafOf('here.example'), second)
  assert.ok(certificates.contextFor('here.example'))
})

test('a file that may not be read is told as such', t => {
  if (process.getuid?.() === 0) return t.skip('root may read everything')
  const path = directory(t)
  const source = keep(path, makeLeaf(makeAuthority('Test', 10), ['here.example'], 5))
  chmodSync(source.files.key, 0)
  assert.match(new Certificates([source], path).problems()[0]!, /may not be read/)
})

test('what is wrong with a certificate is told before a client finds out', t => {
  const path = directory(t)
  const authority = makeAuthority('Test', 3650)
  const problemsOf = (credentials: Credentials) => new Certificates([keep(path, credentials)], path).problems()
  assert.deepEqual(problemsOf(makeLeaf(authority, ['here.example'], 90)), [])
  assert.deepEqual(problemsOf(makeLeaf(authority, ['there.example'], 90)), [
    'The certificate for here.example does not carry that name, so clients will refuse it.',
  ])
  assert.deepEqual(problemsOf(makeLeaf(authority, ['here.example'], 2)), ['The certificate for here.example expires in 1 day.'])
  assert.deepEqual(problemsOf(makeLeaf(authority, ['here.example'], 5, Date.now() - 10 * DAY)), [
    'The certificate for here.example has expired.',
  ])
})

test('an international domain is found by its A-labels, which clients send, and by its own spelling', t => {
  const certificates = new Certificates([{ domain: 'here.example' }, { domain: 'bücher.example' }], directory(t))
  assert.deepEqual(certificates.problems(), [])
  assert.equal(certificates.leafOf('bücher.example')?.subjectAltName, 'DNS:xn--bcher-kva.example')
  assert.equal(certificates.contextFor('xn--bcher-kva.example'), certificates.contextFor('BÜCHER.example'))
  assert.notEqual(certificates.contextFor('xn--bcher-kva.example'), certificates.contextFor(undefined))
})

test('a domain may be called as the authority is', t => {
  const data = directory(t)
  const issuer = () => new X509Certificate(readFileSync(join(data, 'ca', 'ca.crt'))).serialNumber
  new Certificates([{ domain: 'here.example' }], data)
  const before = issuer()
  assert.deepEqual(new Certificates([{ domain: 'ca' }], data).problems(), [])
  assert.equal(issuer(), before)
})

test('without any usable certificate there is no context', t => {
  const path = directory(t)
  const certificates = new Certificates([{ domain: 'here.example', files: { cert: join(path, 'none'), key: join(path, 'none') } }], path)
  assert.equal(certificates.contextFor('here.example'), undefined)
  assert.equal(certificates.errors.length, 1)
})

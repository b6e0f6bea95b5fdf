import assert from 'node:assert/strict'
import { hash, type X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { issuedBy, type Made, selfSigned } from '../../../test/net/certificates.ts'
import { type Grounds, judge, type Verdict } from './belief.ts'
import { TrustAnchors } from './path.ts'

const DAY = 86_400_000
const root = selfSigned({ subject: 'Root' })
const stranger = selfSigned({ subject: 'Stranger' })
const anchors = new TrustAnchors([root.cert])
const names = { dns: ['there.example'] }
const past = { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }

const good = issuedBy(root, { names })
const own = selfSigned({ subject: 'there.example', isAuthority: false, names })
const expired = selfSigned({ isAuthority: false, names, ...past })

const matrix: [title: string, peer: Made, expected: string][] = [
  ['of a trusted authority, for both purposes', issuedBy(root, { names, purposes: ['serverAuth', 'clientAuth'] }), 'pkix'],
  ['of a trusted authority, for servers alone', good, 'pkix'],
  ['of a trusted authority, for clients alone', issuedBy(root, { names, purposes: ['clientAuth'] }), 'wrong-purpose'],
  ['self-signed, for servers alone', selfSigned({ isAuthority: false, names }), 'untrusted'],
  ['self-signed, for both purposes', selfSigned({ isAuthority: false, names, purposes: ['serverAuth', 'clientAuth'] }), 'untrusted'],
  ['self-signed, for clients alone', selfSigned({ isAuthority: false, names, purposes: ['clientAuth'] }), 'untrusted'],
  ['self-signed with the name of a trusted authority', selfSigned({ subject: 'Root', hasKeyIds: false, names }), 'bad-signature'],
  ['of a strange authority, for servers alone', issuedBy(stranger, { names }), 'untrusted'],
  ['of an authority of the same name', issuedBy(selfSigned({ subject: 'Root' }), { names }), 'untrusted'],
  ['expired, of a trusted authority', issuedBy(root, { names, ...past }), 'expired'],
  ['not yet valid, of a trusted authority', issuedBy(root, { names, notBefore: Date.now() + DAY }), 'not-yet-valid'],
  ['for another name, of a trusted authority', issuedBy(root, { names: { dns: ['here.example'] } }), 'wrong-name'],
  ['with the name as its common name only', issuedBy(root, { subject: 'there.example', names: { dns: ['here.example'] } }), 'wrong-name'],
]

for (const [title, peer, expected] of matrix) {
  test(`a certificate ${title}: ${expected}`, () => {
    for (const presented of [[peer.cert], [peer.cert, root.cert, stranger.cert]])
      assert.equal(word(judge(presented, 'there.example', { anchors })), expected)
  })

  test(`a certificate ${title}, from a peer who connects to us: ${expected}`, async t => {
    const { cert, key } = issuedBy(root, { names: { dns: ['here.example'] } })
    const server = createServer({ cert: cert.toString(), key: pem(key), requestCert: true, rejectUnauthorized: false }).listen(
      0,
      '127.0.0.1',
    )
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connect({ port, host: '127.0.0.1', cert: peer.cert.toString(), key: pem(peer.key), rejectUnauthorized: false })
    t.after(() => client.destroy())
    const [socket] = (await once(server, 'secureConnection')) as [TLSSocket]
    t.after(() => socket.destroy())
    const leaf = socket.getPeerX509Certificate()
    assert.ok(leaf)
    assert.equal(word(judge([leaf], 'there.example', { anchors })), expected)
  })
}

test('RFC 7673 §4.2: authentic TLSA records decide alone', () => {
  const tlsa = [record(3, own.cert)]
  assert.equal(verdict([own.cert], { tlsa }), 'dane')
  assert.equal(verdict([good.cert], { tlsa }), 'dane-mismatch')
  assert.equal(verdict([expired.cert], { tlsa: [record(3, expired.cert)] }), 'dane')
  assert.equal(verdict([good.cert], { tlsa, posh: [fingerprint(good.cert)] }), 'dane-mismatch')
})

test('RFC 7673 §4: records that say nothing to us are as if they were not there', () => {
  assert.equal(verdict([good.cert], { tlsa: [] }), 'pkix')
  assert.equal(verdict([good.cert], { tlsa: [record(1, own.cert)] }), 'pkix')
  assert.equal(verdict([own.cert], { tlsa: [record(1, own.cert)] }), 'untrusted')
})

test('below an authority of DANE the certificate is for the domain, or for the host that serves it', () => {
  const tlsa = [record(2, stranger.cert)]
  const chain = (dns: string) => [issuedBy(stranger, { names: { dns: [dns] } }).cert, stranger.cert]
  assert.equal(verdict(chain('there.example'), { tlsa }), 'dane')
  assert.equal(verdict(chain('xmpp.hosting.example'), { tlsa }), 'wrong-name')
  assert.equal(verdict(chain('xmpp.hosting.example'), { tlsa, target: 'xmpp.hosting.example' }), 'dane')
  assert.equal(
    verdict([issuedBy(root, { names: { dns: ['xmpp.hosting.example'] } }).cert], { target: 'xmpp.hosting.example' }),
    'wrong-name',
  )
})

test('RFC 7711: what the domain told by POSH takes the place of authority and name, not of the dates', () => {
  const hosting = issuedBy(root, { names: { dns: ['hosting.example'] } }).cert
  assert.equal(verdict([own.cert], { posh: [fingerprint(own.cert)] }), 'posh')
  assert.equal(verdict([hosting], { posh: [fingerprint(hosting)] }), 'posh')
  assert.equal(verdict([hosting], { posh: [fingerprint(own.cert)] }), 'wrong-name')
  assert.equal(verdict([good.cert], { posh: [fingerprint(own.cert)] }), 'pkix')
  assert.equal(verdict([expired.cert], { posh: [fingerprint(expired.cert)] }), 'expired')
})

test('an exception of the operator is for one domain and one certificate, and goes before all', () => {
  const exceptions = new Map([['xn--bcher-kva.example', [fingerprint(expired.cert)]]])
  const judged = (cert: X509Certificate, domain: string, more: Partial<Grounds> = {}) =>
    word(judge([cert], domain, { anchors, exceptions, ...more }))
  assert.equal(judged(expired.cert, 'bücher.example'), 'exception')
  assert.equal(judged(expired.cert, 'bücher.example', { tlsa: [record(3, own.cert)] }), 'exception')
  assert.equal(judged(own.cert, 'bücher.example'), 'untrusted')
  assert.equal(judged(expired.cert, 'there.example'), 'untrusted')
})

test('who shows nothing is not believed', () => {
  assert.equal(verdict([], { tlsa: [record(3, own.cert)] }), 'no-certificate')
})

function verdict(presented: readonly X509Certificate[], grounds: Partial<Grounds>): string {
  return word(judge(presented, 'there.example', { anchors, ...grounds }))
}

function word(verdict: Verdict): string {
  return verdict.isBelieved ? verdict.by : verdict.why
}

function record(usage: number, cert: X509Certificate) {
  return { usage, selector: 0, matchingType: 1, certificate: fingerprint(cert) }
}

function fingerprint(cert: X509Certificate): Buffer {
  return hash('sha256', cert.raw, 'buffer')
}

function pem(key: Made['key']): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

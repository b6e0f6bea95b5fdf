import assert from 'node:assert/strict'
import { hash, type X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issuedBy, selfSigned } from '../../../test/net/certificates.ts'
import { matchesAnchor, matchesEndEntity, type Tlsa, usableTlsa } from './dane.ts'

const root = selfSigned({ subject: 'Root' })
const authority = issuedBy(root, { isAuthority: true })
const leaf = issuedBy(authority, { names: { dns: ['there.example'] } })
const other = issuedBy(authority, { names: { dns: ['there.example'] } })
const presented = [leaf.cert, authority.cert, root.cert]

/** Either usage. */
function matchesTlsa(records: readonly Tlsa[], certificates: readonly X509Certificate[], options: { now?: number } = {}): boolean {
  return matchesEndEntity(records, certificates[0]) || matchesAnchor(records, certificates, options)
}

function record(usage: number, selector: number, matchingType: number, cert: X509Certificate): Tlsa {
  const selected = selector === 0 ? cert.raw : cert.publicKey.export({ type: 'spki', format: 'der' })
  const certificate = matchingType === 0 ? selected : hash(matchingType === 1 ? 'sha256' : 'sha512', selected, 'buffer')
  return { usage, selector, matchingType, certificate }
}

for (const selector of [0, 1]) {
  for (const matchingType of [0, 1, 2]) {
    test(`RFC 6698 §2.1: selector ${selector} and matching type ${matchingType} are compared with what they say`, () => {
      assert.equal(matchesTlsa([record(3, selector, matchingType, leaf.cert)], presented), true)
      assert.equal(matchesTlsa([record(3, selector, matchingType, other.cert)], presented), false)
      assert.equal(matchesTlsa([record(2, selector, matchingType, root.cert)], presented), true)
      assert.equal(matchesTlsa([record(2, selector, matchingType, authority.cert)], presented), true)
      assert.equal(matchesTlsa([record(2, selector, matchingType, other.cert)], presented), false)
    })
  }
}

test('one record that matches is enough', () => {
  assert.equal(matchesTlsa([record(3, 1, 1, other.cert), record(3, 1, 1, leaf.cert)], presented), true)
  assert.equal(matchesTlsa([], presented), false)
  assert.equal(matchesTlsa([record(3, 1, 1, leaf.cert)], []), false)
})

test('RFC 7671 §5.1: an end entity may have signed itself, and be expired', () => {
  const own = selfSigned({ isAuthority: false, notBefore: 0, notAfter: 86_400_000 })
  assert.equal(matchesTlsa([record(3, 1, 1, own.cert)], [own.cert]), true)
})

test('RFC 7671 §5.2: below an authority the path is checked', () => {
  assert.equal(matchesTlsa([record(2, 0, 1, root.cert)], [leaf.cert, root.cert]), false)
  const stranger = selfSigned({ subject: 'Stranger' })
  assert.equal(matchesTlsa([record(2, 0, 1, root.cert)], [issuedBy(stranger).cert, stranger.cert, root.cert]), false)
  const expired = issuedBy(authority, { notBefore: 0, notAfter: 86_400_000 })
  assert.equal(matchesTlsa([record(2, 0, 1, root.cert)], [expired.cert, authority.cert, root.cert]), false)
  assert.equal(matchesTlsa([record(2, 0, 1, root.cert)], presented, { now: Date.now() + 1e11 }), false)
})

test('an authority that stands whole in the record need not be presented', () => {
  assert.equal(matchesTlsa([record(2, 0, 0, root.cert)], [leaf.cert, authority.cert]), true)
  assert.equal(matchesTlsa([record(2, 0, 1, root.cert)], [leaf.cert, authority.cert]), false)
})

test('the leaf is no authority above itself, and an authority no end entity', () => {
  assert.equal(matchesTlsa([record(2, 0, 1, leaf.cert)], presented), false)
  assert.equal(matchesTlsa([record(3, 0, 1, authority.cert)], presented), false)
})

test('records of other usages, and such as nobody can read, are as if they were not there', () => {
  const good = record(3, 1, 1, leaf.cert)
  const bad = [
    { ...good, usage: 0 },
    { ...good, usage: 1 },
    { ...good, usage: 255 },
    { ...good, selector: 2 },
    { ...good, matchingType: 3 },
    { ...good, matchingType: 2 },
    { ...good, certificate: Buffer.alloc(0) },
    { ...good, matchingType: 0, certificate: Buffer.alloc(0) },
  ]
  assert.deepEqual(usableTlsa([...bad, good]), [good])
  assert.equal(matchesTlsa(bad, presented), false)
  assert.equal(usableTlsa(Array(1_000).fill(good)).length, 32)
  assert.equal(
    matchesTlsa([{ ...good, usage: 2, selector: 0, matchingType: 0, certificate: Buffer.from('no certificate') }], presented),
    false,
  )
})

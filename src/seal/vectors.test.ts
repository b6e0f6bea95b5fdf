/** The vectors of CXZ-SEAL-1. All inputs are in `test-fixture.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArchiveIds } from './archive-id.ts'
import { hashedToken, openFast, sealFast } from './fast.ts'
import { hkdf } from './hkdf.ts'
import { openItem, sealItem } from './item.ts'
import { recoveryVerifier } from './recovery.ts'
import { SegmentOpener, SegmentSealer } from './segment.ts'
import { blindTag } from './server-box.ts'
import { sha256 } from './sha256.ts'
import { account, accountKey, address, clientKey, encapsulation, hex, input } from './test-fixture.ts'
import { credentialInfo, unwrapKey, wrapKey } from './wrap.ts'

const header = Buffer.from('{"t":1788480000123,"d":"in","w":"romeo@montague.example"}')
const body = Buffer.from('<message xmlns="jabber:client" type="chat"><body>hello</body></message>')

test('keys: the public key belongs to the private one, and StoredKey to ClientKey', () => {
  assert.deepEqual(accountKey().bytes, hex('f4113a3ee6ab22274ca2d921dd04411545346322a4f77b9c7392b8456821176c'))
  assert.deepEqual(accountKey().publicKey, account.publicKey)
  assert.deepEqual(sha256(clientKey), hex('586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6'))
})

test('a wrap under a ClientKey', () => {
  const wrap = wrapKey('SHA-256', clientKey, accountKey(), account, undefined, input('kek_salt'))
  assert.equal(
    wrap.toString('hex'),
    `01${input('kek_salt').toString('hex')}ec99fe3e26a19dae595cccbbcd374d9e81b297934fa8be2f001aa585659df169838554cc49a4da74d226b0d2276510fa`,
  )
  assert.deepEqual(unwrapKey('SHA-256', clientKey, wrap, account).bytes, input('skA'))
})

test('a wrap with a pepper', () => {
  const pepper = input('pepper')
  const wrap = wrapKey('SHA-256', clientKey, accountKey(), account, pepper, input('kek_salt'))
  assert.deepEqual(
    wrap.subarray(33),
    hex('fa4944ef47e8f2464bbf92f2cce03c2c296c23ef9039e934d7fdcc0043c0a7ef40625f9357bc8eb4566074be4966603e'),
  )
  assert.deepEqual(unwrapKey('SHA-256', clientKey, wrap, account, { pepper }).bytes, input('skA'))
})

const KEKS = [
  ['SHA-1', 'e234c47bf6c36696dd6d852b99aaa2ba26555728', '6ea2368b678b2b19207ae76d634e382d57abc28799e518c637a399e031b53f31'],
  ['SHA-256', clientKey.toString('hex'), '0c637f0b283ec70fc3c91a2ffb7456f563e2ea6858f1afce3da2ebe0ef7a9ccc'],
  [
    'SHA-512',
    'f81d81a6c0467dbd957885e9f3a0387a99e989171077fc3b8d134b710907c424917b624f885a3667838762858a893a4fce39043aa57fa07388a5aaa6fdbac920',
    'f1b5aeb2cd34c442d64aad834cbcdfe127babc910489e64d1c8f597391504540',
  ],
] as const

for (const [kind, secret, expected] of KEKS)
  test(`the key of a wrap for SCRAM-${kind}`, () => {
    const ikm = Buffer.concat([Buffer.of(0, secret.length / 2), hex(secret), Buffer.of(0, 0)])
    assert.equal(hkdf('sha512', ikm, input('kek_salt'), credentialInfo(kind, account), 32).toString('hex'), expected)
  })

test('the key of a wrap for a recovery code', () => {
  const code = input('recovery', 16)
  assert.deepEqual(code, hex('990214006e0ed6749af5c52c6d0b7302'))
  const ikm = Buffer.concat([Buffer.of(0, 16), code, Buffer.of(0, 0)])
  const kek = hkdf('sha512', ikm, input('recovery salt'), credentialInfo('recovery', account), 32)
  assert.deepEqual(kek, hex('b95871e1d44448b84967fa428a3bdb49e09833f0e8d706841b70830091567472'))
  assert.equal(recoveryVerifier(code).length, 32)
})

test('FAST: the proof, what is stored of it, and the wrap under it', () => {
  const token = Buffer.from('WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm')
  const proof = hashedToken(token, 'Initiator', hex('a3dd2f111191aa894ec297abfd4b162e8932a886b7d1fc96950f0f4c926bf10f'))
  assert.deepEqual(proof, hex('ecd2fc2f1fa8cfc518b7814dc2af27b1efefdf66a7803c6840d35234694fd85d'))
  const record = sealFast('HT-SHA-256-ENDP', token, proof, accountKey(), account)
  assert.deepEqual(record.verifier, hex('ecbaed4e73f442e73ebff47b213eea580311847bf3e5d273211529d9b147c086'))
  const opened = openFast('HT-SHA-256-ENDP', proof, record, account)
  assert.deepEqual(opened.token.bytes, token)
  assert.deepEqual(opened.key.bytes, input('skA'))

  const wrap = wrapKey('HT-SHA-256-ENDP', proof, accountKey(), account, undefined, input('fast_salt'))
  assert.deepEqual(
    wrap.subarray(33),
    hex('d54571a2dd2892f49a3f0366e99f4bb176fb039f8ce14f4f8cbd826c2b18dfc0b6557ac2109b264c0bbc62249332e853'),
  )
})

/** What was sealed in suite 2 was opened with `@hpke/core`, too. */
const SEGMENTS = [
  [
    1,
    'e57353e37967da66db581d8ed81e75e53d16733ca268237d33f1970f1251dda9',
    '11a83241db58f418cbbe843553fa2090e5c343e45402eddefb70e86af9e178ff',
  ],
  [
    2,
    'cc6c29e36aec36afa1e74acacf9a303c7d94ab95a4f22d93623a6b6d843b9640',
    '4bafe8480c7d9536ea1fb69e54244b7629e8f45cce334252582111581e9ba1a6',
  ],
] as const

for (const [suite, headerHash, bodyHash] of SEGMENTS)
  test(`a segment in suite ${suite}: enc, a header and a body`, () => {
    const sealer = new SegmentSealer(address, input('S_class_day'), input('S_acct'), suite, encapsulation('skE'))
    assert.equal(sealer.enc.toString('hex'), `0${suite}a2467cb5f95129f09da1916152c863f3289e7e49164ce92577d7fba8edd3c365`)
    const boxes = sealer.seal(0, 7, header, body)
    assert.equal(boxes.header.length, 144)
    assert.equal(sha256(boxes.header).toString('hex'), headerHash)
    assert.equal(boxes.body.length, 272)
    assert.equal(sha256(boxes.body).toString('hex'), bodyHash)

    const opener = new SegmentOpener(address, sealer.enc, accountKey(), input('S_class_day'), input('S_acct'))
    assert.deepEqual(opener.body(0, 7, boxes.body), body)
    assert.deepEqual(opener.header(0, 7, boxes.header), header)
  })

test('an item', () => {
  const blob = sealItem(account, 3, 1, Buffer.from('romeo@montague.example'), { encapsulation: encapsulation('skE2') })
  assert.deepEqual(blob.subarray(1, 33), hex('d10815067b53011aeda14989e0af5da720743d964f1ec60c2e0ec9b5b24a0827'))
  assert.equal(openItem(accountKey(), account, 3, 1, blob).toString(), 'romeo@montague.example')
  assert.equal(blob.length, 33 + 144)
  assert.equal(sha256(blob.subarray(33)).toString('hex'), 'f4087763a8fc5f74f92b9ae02860b622c9befba041f90026308bf2599183b00b')
})

test('an archive id', () => {
  const ids = new ArchiveIds(hex('821c6dacbb74a466ca720192961293401897ca1c2b369a1dba725c3496742ac0'))
  assert.equal(ids.encode(1001, 7), 'ov2MUIVbATCAFyb7BVNmaw')
  assert.equal(ids.decode(1001, 'ov2MUIVbATCAFyb7BVNmaw'), 7)
})

test('a blind tag, and its key', () => {
  const secret = input('S_acct')
  assert.equal(
    hkdf('sha256', secret, Buffer.alloc(0), 'CXZ-SEAL-1 blind', 32).toString('hex'),
    'd30b93994135cbd8608f2b655216bc8eb22d2ae7dcc2d4358b749f6481253e1d',
  )
  assert.deepEqual(blindTag(secret, 'roster', 'romeo@montague.example'), hex('5c80914a8415622b2704eabcf45d6928'))
})

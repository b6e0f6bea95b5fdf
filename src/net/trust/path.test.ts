import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { ecKeys, issuedBy, type Made, nameOf, rsaKeys, selfSigned, type Wish } from '../../../test/net/certificates.ts'
import { type PathVerdict, TrustAnchors, validatePath } from './path.ts'

const DAY = 86_400_000
const root = selfSigned({ subject: 'Root' })
const anchors = new TrustAnchors([root.cert])
const names = { dns: ['there.example'] }

test('a path over intermediates is found in whatever order they come, with strangers between', () => {
  const first = issuedBy(root, { subject: 'First', isAuthority: true })
  const second = issuedBy(first, { subject: 'Second', isAuthority: true })
  const leaf = issuedBy(second, { names })
  const stranger = selfSigned({ subject: 'Stranger' })
  for (const rest of [
    [second, first],
    [first, second],
    [stranger, first, leaf, root, second],
  ]) {
    const verdict = validatePath([leaf, ...rest].map(certOf), anchors)
    assert.ok(verdict.isTrusted)
    assert.deepEqual(verdict.chain.map(certName), ['', 'CN=Second', 'CN=First', 'CN=Root'])
  }
  assert.equal(why(validatePath([leaf.cert, second.cert], anchors)), 'untrusted')
  assert.equal(why(validatePath([], anchors)), 'untrusted')
})

test('of authorities with the same name that one counts whose key has signed', () => {
  for (const hasKeyIds of [true, false]) {
    const old = issuedBy(root, { subject: 'Issuing', isAuthority: true, hasKeyIds })
    const current = issuedBy(root, { subject: 'Issuing', isAuthority: true, hasKeyIds })
    const leaf = issuedBy(current, { names, hasKeyIds })
    assert.equal(why(validatePath([leaf.cert, old.cert, current.cert], anchors)), undefined)
    assert.equal(why(validatePath([leaf.cert, old.cert], anchors)), hasKeyIds ? 'untrusted' : 'bad-signature')
  }
})

test('a cross-signed authority is trusted by the way that is open', () => {
  const keys = ecKeys()
  const expired = issuedBy(root, { subject: 'Cross', isAuthority: true, keys, notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY })
  const other = selfSigned({ subject: 'Elsewhere' })
  const good = issuedBy(other, { subject: 'Cross', isAuthority: true, keys })
  const leaf = issuedBy(good, { names })
  const both = new TrustAnchors([root.cert, other.cert])
  assert.equal(why(validatePath([leaf.cert, expired.cert, good.cert], both)), undefined)
  assert.equal(why(validatePath([leaf.cert, expired.cert, good.cert], anchors)), 'expired')
})

test('what signed itself is believed only if it is itself an anchor', () => {
  const own = selfSigned({ subject: 'there.example', isAuthority: false, names })
  assert.equal(why(validatePath([own.cert], anchors)), 'untrusted')
  assert.equal(why(validatePath([own.cert, root.cert], anchors)), 'untrusted')
  assert.equal(why(validatePath([own.cert], new TrustAnchors([own.cert.toString()]))), undefined)
})

const rsa = rsaKeys(2048)
const faults: [title: string, path: (sign: typeof issuedBy) => readonly Made[], why: string | undefined][] = [
  ['expired', one({ notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }), 'expired'],
  ['not yet valid', one({ notBefore: Date.now() + DAY }), 'not-yet-valid'],
  ['for clients alone', one({ purposes: ['clientAuth'] }), 'wrong-purpose'],
  ['for servers alone', one({ purposes: ['serverAuth'] }), undefined],
  ['for both', one({ purposes: ['clientAuth', 'serverAuth'] }), undefined],
  ['for any purpose', one({ purposes: ['any'] }), undefined],
  ['without purposes', one({ purposes: undefined }), undefined],
  ['of a key that does not shake hands', one({ keyUsage: ['cRLSign'] }), 'wrong-purpose'],
  ['with a critical extension that nobody knows', one({ extensions: [['1.3.6.1.4.1.11129.2.4.3', true, nameOf('')]] }), 'unknown-critical'],
  ['with an extension that nobody knows, not critical', one({ extensions: [['1.2.3.4', false, nameOf('')]] }), undefined],
  ['with an extension twice', one({ extensions: [['2.5.29.17', false, nameOf('')]] }), 'untrusted'],
  ['of version 1 with extensions', one({ version: 0 }), 'untrusted'],
  ['signed with SHA-1', one({ hash: 'sha1' }), 'weak-key'],
  ['of a short RSA key', one({ keys: rsaKeys(1024) }), 'weak-key'],
  ['of a long RSA key', one({ keys: rsa }), undefined],
  ['of another curve', one({ keys: ecKeys('secp256k1') }), 'weak-key'],
  ['of a curve that is written out', one({ keys: ecKeys('P-256', 'explicit') }), 'weak-key'],
  ['below an RSA authority', two({ keys: rsa }), undefined],
  ['below a short RSA authority', two({ keys: rsaKeys(1024) }), 'weak-key'],
  ['below an expired authority', two({ notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }), 'expired'],
  [
    'below another server',
    two({ isAuthority: false, subject: 'Not an authority', keyUsage: ['digitalSignature', 'keyCertSign'] }),
    'not-an-authority',
  ],
  ['below an authority that may not sign certificates', two({ keyUsage: ['cRLSign'] }), 'not-an-authority'],
  ['below an authority for clients', two({ purposes: ['clientAuth'] }), 'wrong-purpose'],
  ['below an authority for servers', two({ purposes: ['serverAuth'] }), undefined],
  ['below a certificate of version 1', two({ version: 0 }), 'not-an-authority'],
  ['below an authority with no room', three({ pathLength: 0 }), 'path-too-long'],
  ['below an authority with just enough room', three({ pathLength: 1 }), undefined],
  ['permitted', constrained({ permitted: { dns: ['example'] } }, { dns: ['there.example', '*.there.example'] }), undefined],
  ['permitted as itself', constrained({ permitted: { dns: ['There.example'] } }, names), undefined],
  [
    'permitted in part',
    constrained({ permitted: { dns: ['there.example'] } }, { dns: ['there.example', 'elsewhere.example'] }),
    'name-constraint',
  ],
  ['not permitted, though it ends alike', constrained({ permitted: { dns: ['here.example'] } }, names), 'name-constraint'],
  ['excluded', constrained({ excluded: { dns: ['example'] } }, names), 'name-constraint'],
  ['excluded in capitals', constrained({ excluded: { dns: ['EXAMPLE'] } }, names), 'name-constraint'],
  ['excluded with all others', constrained({ excluded: { dns: [''] } }, names), 'name-constraint'],
  ['not excluded', constrained({ excluded: { dns: ['here.example'] } }, names), undefined],
  ['a wildcard over what is excluded', constrained({ excluded: { dns: ['a.b.example'] } }, { dns: ['*.b.example'] }), 'name-constraint'],
  ['a wildcard beside what is excluded', constrained({ excluded: { dns: ['a.c.example'] } }, { dns: ['*.b.example'] }), undefined],
  [
    'a JID around a permitted DNS name',
    constrained({ permitted: { dns: ['here.example'] } }, { dns: ['here.example'], xmpp: ['there.example'] }),
    'name-constraint',
  ],
  ['a JID within a permitted DNS name', constrained({ permitted: { dns: ['example'] } }, { xmpp: ['there.example'] }), undefined],
  [
    'an SRVName around a permitted DNS name',
    constrained({ permitted: { dns: ['here.example'] } }, { srv: ['_xmpp-server.there.example'] }),
    'name-constraint',
  ],
  [
    'an SRVName within a permitted DNS name',
    constrained({ permitted: { dns: ['example'] } }, { srv: ['_xmpp-server.there.example'] }),
    undefined,
  ],
  [
    'SRVNames that are constrained',
    constrained({ permitted: { srv: ['_xmpp-server.there.example'] } }, { srv: ['_xmpp-server.there.example'] }),
    'name-constraint',
  ],
  [
    'an address in its network',
    constrained({ permitted: { ip: [[192, 0, 2, 0, 255, 255, 255, 0]] } }, { ip: [[192, 0, 2, 7]] }),
    undefined,
  ],
  [
    'an address out of its network',
    constrained({ permitted: { ip: [[192, 0, 2, 0, 255, 255, 255, 0]] } }, { ip: [[192, 0, 3, 7]] }),
    'name-constraint',
  ],
  ['an excluded address', constrained({ excluded: { ip: [[0, 0, 0, 0, 0, 0, 0, 0]] } }, { ip: [[192, 0, 2, 7]] }), 'name-constraint'],
  [
    'an address of the other family',
    constrained({ permitted: { ip: [[192, 0, 2, 0, 255, 255, 255, 0]] } }, { ip: [Array(16).fill(0)] }),
    'name-constraint',
  ],
  [
    'a name of a constrained form that we do not read',
    constrained({ permitted: { email: ['there.example'] } }, { email: ['a@there.example'] }),
    'name-constraint',
  ],
  ['a name of a form that we do not read', constrained({ permitted: { dns: ['example'] } }, { email: ['a@there.example'] }), undefined],
  ['a directory name that is permitted', constrained({ permitted: { directory: ['A  Servér'] } }, { directory: ['a servér '] }), undefined],
  [
    'a directory name that is excluded',
    constrained({ excluded: { directory: ['A Server'] } }, { directory: ['a server'] }),
    'name-constraint',
  ],
  [
    'a directory name that is not permitted',
    constrained({ permitted: { directory: ['A Server'] } }, { directory: ['Another'] }),
    'name-constraint',
  ],
  ['constraints that are none', constrained({ permitted: {} }, names), 'untrusted'],
  ['constraints that are malformed', constrained({ permitted: { dns: ['.example'] } }, names), 'untrusted'],
]

function one(wish: Wish): (sign: typeof issuedBy) => readonly Made[] {
  return sign => [sign(root, { names, ...wish })]
}

function two(wish: Wish): (sign: typeof issuedBy) => readonly Made[] {
  return sign => {
    const authority = sign(root, { isAuthority: true, ...wish })
    return [sign(authority, { names }), authority]
  }
}

function three(wish: Wish): (sign: typeof issuedBy) => readonly Made[] {
  return sign => {
    const upper = sign(root, { subject: 'Upper', isAuthority: true, ...wish })
    const lower = sign(upper, { subject: 'Lower', isAuthority: true })
    return [sign(lower, { names }), lower, upper]
  }
}

function constrained(constraints: Wish, leaf: NonNullable<Wish['names']>): (sign: typeof issuedBy) => readonly Made[] {
  return sign => {
    const authority = sign(root, { isAuthority: true, ...constraints })
    return [sign(authority, { names: leaf }), authority]
  }
}

for (const [title, path, expected] of faults) {
  test(`RFC 5280 §6: ${title}: ${expected ?? 'trusted'}`, () => {
    assert.equal(why(validatePath(path(issuedBy).map(certOf), anchors)), expected)
  })
}

test('the anchor is held to its own dates, constraints and length', () => {
  const judge = (wish: Wish, below = names): string | undefined => {
    const anchor = selfSigned({ subject: 'Anchor', ...wish })
    return why(validatePath([issuedBy(anchor, { names: below }).cert], new TrustAnchors([anchor.cert])))
  }
  assert.equal(judge({}), undefined)
  assert.equal(judge({ notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }), 'expired')
  assert.equal(judge({ permitted: { dns: ['here.example'] } }), 'name-constraint')
  assert.equal(judge({ isAuthority: false, keyUsage: undefined }), 'not-an-authority')
  assert.equal(judge({ keys: rsaKeys(1024) }), 'weak-key')
})

test('RFC 5280 §6.1.3: an authority that renews itself takes no room, and its name is under no constraint', () => {
  const upper = issuedBy(root, { subject: 'Upper', isAuthority: true, pathLength: 0, permitted: { directory: ['Leaf'] } })
  const renewed = issuedBy(upper, { subject: 'Upper', isAuthority: true, pathLength: 0 })
  const leaf = issuedBy(renewed, { subject: 'Leaf', names })
  assert.equal(why(validatePath([leaf, renewed, upper].map(certOf), anchors)), undefined)
})

test('RFC 5280 §4.1.2.5: a certificate is good from the first second to the end of the last', () => {
  const [notBefore, notAfter] = [Date.UTC(2025, 0), Date.UTC(2025, 3)]
  const old = selfSigned({ notBefore: 0, notAfter: Date.UTC(2050, 0) })
  const leaf = issuedBy(old, { names, notBefore, notAfter }).cert
  const at = (now: number) => why(validatePath([leaf], new TrustAnchors([old.cert]), { now }))
  assert.deepEqual([notBefore - 1, notBefore, notAfter + 999, notAfter + 1_000].map(at), ['not-yet-valid', undefined, undefined, 'expired'])
})

test('a path of more than eight is not followed', () => {
  const path: Made[] = [root]
  while (path.length < 8) path.unshift(issuedBy(path[0]!, { subject: `Number ${path.length}`, isAuthority: true }))
  const good = issuedBy(path[1]!, { names })
  assert.equal(why(validatePath([good, ...path.slice(1)].map(certOf), anchors)), undefined)
  const long = issuedBy(path[0]!, { names })
  assert.equal(why(validatePath([long, ...path].map(certOf), anchors)), 'path-too-long')
})

test('more certificates or names than anyone needs are not looked at', () => {
  const leaf = issuedBy(root, { names })
  assert.equal(why(validatePath(Array(17).fill(leaf.cert), anchors)), 'too-many')
  const crowded = issuedBy(root, { names: { dns: Array.from({ length: 10_000 }, (_, i) => `host-${i}.there.example`) } })
  assert.equal(why(validatePath([crowded.cert], anchors)), 'too-many')
  const full = issuedBy(root, { names: { dns: Array.from({ length: 1_000 }, (_, i) => `host-${i}.there.example`) } })
  assert.equal(why(validatePath([full.cert], anchors)), undefined)
})

test('a maze of authorities with one name and one key is left after a few signatures', () => {
  const keys = ecKeys()
  const maze = Array.from({ length: 15 }, () => selfSigned({ subject: 'Maze', keys, hasKeyIds: false }))
  const leaf = issuedBy(maze[0]!, { names, hasKeyIds: false })
  assert.equal(why(validatePath([leaf, ...maze].map(certOf), anchors)), 'too-many')
})

test('anchors come as certificates and as texts of many', () => {
  const other = selfSigned({ subject: 'Other' })
  assert.equal(new TrustAnchors([root.cert.toString() + other.cert.toString(), root.cert]).size, 2)
  assert.throws(() => new TrustAnchors(['nothing']), /no certificate/)
})

test('without anchors given there are those of Node, and each of them is one that we can read', () => {
  const machine = new TrustAnchors()
  assert.ok(machine.size > 50)
})

test('what is damaged anywhere is never trusted, and never more than a verdict', () => {
  const authority = issuedBy(root, { isAuthority: true, permitted: { dns: ['example'] } })
  const leaf = issuedBy(authority, { names: { dns: ['there.example'], srv: ['_xmpp-server.there.example'], xmpp: ['there.example'] } })
  const [one, two] = [leaf.cert.raw, authority.cert.raw]
  const flips = fc.array(fc.tuple(fc.nat(one.length + two.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(flips, flips => {
      const damaged = [Buffer.from(one), Buffer.from(two)] as const
      for (const [at, mask] of flips) {
        if (at < one.length) damaged[0][at]! ^= mask
        else damaged[1][at - one.length]! ^= mask
      }
      const certs = damaged.map(parsed)
      if (certs.some(cert => cert === undefined) || (damaged[0].equals(one) && damaged[1].equals(two))) return
      assert.equal(validatePath(certs as X509Certificate[], anchors).isTrusted, false)
      assert.equal(validatePath([certs[1]!, certs[0]!], new TrustAnchors([leaf.cert])).isTrusted, false)
    }),
    { numRuns: 1_000 },
  )
})

test('openssl agrees where both know', t => {
  const directory = mkdtempSync(join(tmpdir(), 'path-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'root.pem'), root.cert.toString())
  if (spawnSync('openssl', ['version']).error) return t.skip('openssl is not installed')
  for (const [title, path, expected] of faults) {
    if (DIFFERENT.test(title)) continue
    const [leaf, ...rest] = path(issuedBy)
    writeFileSync(join(directory, 'leaf.pem'), leaf!.cert.toString())
    writeFileSync(join(directory, 'rest.pem'), rest.map(({ cert }) => cert.toString()).join(''))
    const args = [
      'verify',
      '-auth_level',
      '2',
      '-purpose',
      'sslserver',
      '-CAfile',
      'root.pem',
      '-untrusted',
      rest.length > 0 ? 'rest.pem' : 'root.pem',
    ]
    const { status, stderr } = spawnSync('openssl', [...args, 'leaf.pem'], { cwd: directory, encoding: 'utf8' })
    assert.equal(status === 0, expected === undefined, `${title}: ${stderr}`)
  }
})

// OpenSSL wants the purpose by its name, takes other curves, applies DNS constraints to DNS names alone, reads more forms of names, and is laxer with DER and versions.
const DIFFERENT =
  /any purpose|written out|that are none|another curve|JID around|SRVName around|SRVNames|that we do not read|wildcard over|malformed|version 1 with/

function certOf({ cert }: Made): X509Certificate {
  return cert
}

function certName(cert: X509Certificate): string {
  return cert.subject ?? ''
}

function why(verdict: PathVerdict): string | undefined {
  return verdict.isTrusted ? undefined : verdict.why
}

function parsed(raw: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(raw)
  } catch {
    return undefined
  }
}

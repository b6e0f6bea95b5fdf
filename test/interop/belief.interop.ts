/** Who is believed to be a domain's server: every kind of certificate, in both directions, by either mechanism. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { issuedBy, selfSigned } from '../net/certificates.ts'
import { conditionOf, type Guest } from './network/guest.ts'
import type { Home } from './network/home.ts'
import { keyFor, letIn, messageOf, vouches } from './network/meeting.ts'
import { LOOPBACK, pem, Scene } from './network/scene.ts'
import { type Credentials, EXTERNAL, type Kind, OFFERS, Stranger } from './network/stranger.ts'

const HOME = 'here.example'
const BOTH = ['serverAuth', 'clientAuth'] as const

let scene: Scene
/** With what the settings say if nobody changes them. */
let home: Home
/** Without dialback. */
let strict: Home
let juliet: Guest
let strictJuliet: Guest

before(async () => {
  scene = await Scene.open()
  home = await scene.home([HOME], [LOOPBACK])
  strict = await scene.home(['strict.example'], [LOOPBACK, 'mechanisms = ["external"]'])
  juliet = await home.guest('juliet')
  strictJuliet = await strict.guest('juliet')
})
after(() => scene[Symbol.asyncDispose]())

/** What is specified for one certificate, in each column of the matrix. */
interface Row {
  readonly make: (domain: string) => Credentials
  /** It connects, and asks for EXTERNAL (XEP-0178 §3). */
  readonly inExternal: 'delivered' | 'not offered, and invalid-mechanism' | 'not-authorized'
  /** The same, with a server of ours that has no dialback. */
  readonly inExternalOnly: Row['inExternal']
  /** It connects, and gives a key; the server that DNS names for the domain shows such a certificate, too. */
  readonly inDialback: 'delivered' | 'remote-server-timeout, and nobody was asked'
  /** It connects, and gives a key; the server that DNS names for the domain shows a good one. */
  readonly inDialbackOfGood: 'delivered'
  /** We connect, and it offers EXTERNAL, or dialback alone. */
  readonly out: 'delivered' | `remote-server-timeout: ${string}` | `waiting: ${string}`
}

const GOOD = {
  inExternal: 'delivered',
  inExternalOnly: 'delivered',
  inDialback: 'delivered',
  inDialbackOfGood: 'delivered',
  out: 'delivered',
} as const
const BAD = {
  inExternal: 'not offered, and invalid-mechanism',
  inExternalOnly: 'not-authorized',
  inDialback: 'remote-server-timeout, and nobody was asked',
  // XEP-0220 §2.3: dialback asks nothing of this side.
  inDialbackOfGood: 'delivered',
  out: 'remote-server-timeout: its certificate is not believed',
} as const

const stranger = selfSigned({ subject: 'Nobody Knows This Authority' })
const alone = (domain: string, purposes: readonly ('serverAuth' | 'clientAuth')[]): Credentials =>
  pem(selfSigned({ subject: domain, names: { dns: [domain] }, isAuthority: false, keyUsage: ['digitalSignature'], purposes }))

const MATRIX: Readonly<Record<string, Row>> = {
  'trusted, for servers and clients': { ...GOOD, make: domain => scene.certify(domain, { purposes: BOTH }) },
  // Of today's public authorities there are no others. Node calls them INVALID_PURPOSE when they come in …
  'trusted, for servers only': { ...GOOD, make: domain => scene.certify(domain) },
  'trusted, for clients only': { ...BAD, make: domain => scene.certify(domain, { purposes: ['clientAuth'] }) },
  'self-signed, for servers and clients': { ...BAD, make: domain => alone(domain, BOTH) },
  // … and these as well.
  'self-signed, for servers only': { ...BAD, make: domain => alone(domain, ['serverAuth']) },
  'of an unknown authority': { ...BAD, make: domain => pem(issuedBy(stranger, { names: { dns: [domain] } }), stranger) },
  expired: {
    ...BAD,
    out: 'remote-server-timeout: its certificate has expired',
    make: domain => scene.certify(domain, { notAfter: Date.now() - 1000 }),
  },
  'for another domain': {
    ...BAD,
    out: 'remote-server-timeout: its certificate names another domain',
    make: domain => scene.certify(`other-${domain}`),
  },
  // TLS has no server without one. That may be a fault of the way, so it is tried again.
  none: { ...BAD, out: 'waiting: the TLS handshake failed', make: () => undefined },
}

/** All rows of a column at once; each has a domain of its own. */
async function column(
  name: string,
  kind: Kind,
  expected: (row: Row) => string,
  meet: (domain: string, row: Row) => Promise<string>,
): Promise<void> {
  const rows = Object.entries(MATRIX)
  const met = await Promise.all(rows.map(async ([key, row], at) => [key, await meet(`${name}-${kind}-${at}.example`, row)]))
  assert.deepEqual(Object.fromEntries(met), Object.fromEntries(rows.map(([key, row]) => [key, expected(row)])))
}

for (const [kind, way] of [
  ['tcp', 'STARTTLS'],
  ['tls', 'direct TLS'],
] as const) {
  test(`in by ${way}, EXTERNAL: each certificate has its answer`, () =>
    column(
      'in-external',
      kind,
      row => row.inExternal,
      (domain, { make }) => comeByExternal(home, juliet, domain, kind, make(domain)),
    ))

  test(`in by ${way}, EXTERNAL where there is no dialback: each certificate has its answer`, () =>
    column(
      'in-only',
      kind,
      row => row.inExternalOnly,
      (domain, { make }) => comeByExternal(strict, strictJuliet, domain, kind, make(domain)),
    ))

  test(`in by ${way}, dialback: keys are asked about only where the certificate is believed`, () =>
    column(
      'in-dialback',
      kind,
      row => row.inDialback,
      (domain, { make }) => comeByDialback(domain, kind, make(domain), make(domain)),
    ))

  test(`in by ${way}, dialback: it takes no certificate to give a key that the domain’s own server vouches for`, () =>
    column(
      'in-of-good',
      kind,
      row => row.inDialbackOfGood,
      (domain, { make }) => comeByDialback(domain, kind, make(domain), scene.certify(domain)),
    ))

  for (const mechanism of ['external', 'dialback'] as const) {
    const said = mechanism === 'external' ? 'EXTERNAL' : 'dialback'
    test(`out by ${way}, ${said}: who is not believed hears nothing, and the sender is told`, () =>
      column(
        `out-${mechanism}`,
        kind,
        row => row.out,
        (domain, { make }) => goTo(domain, kind, make(domain), mechanism),
      ))
  }
}

/** A domain's server connects to ours, and wants to prove itself by certificate. */
async function comeByExternal(to: Home, reader: Guest, domain: string, kind: Kind, credentials: Credentials): Promise<Row['inExternal']> {
  const caller = await Stranger.calls(to.ports[kind], kind)
  const ends = { from: domain, to: to.domain }
  const features = await caller.opens(ends, credentials)
  if (features.name === 'error') {
    assert.equal(features.first()!.name, 'not-authorized')
    assert.equal(await caller.hearsNoMore(), '')
    return 'not-authorized'
  }
  const isOffered = String(features).includes('EXTERNAL')
  caller.send(EXTERNAL)
  const answer = await caller.hears('success', 'failure')
  assert.equal(answer.name === 'success', isOffered)
  if (!isOffered) {
    assert.equal(answer.first()!.name, 'invalid-mechanism')
    caller.send(messageOf(`romeo@${domain}`, reader.address))
    assert.equal(await caller.hearsStreamError(), 'not-authorized')
    return 'not offered, and invalid-mechanism'
  }
  await caller.begins(ends)
  return delivered(caller, domain, reader)
}

/** A domain's server connects to ours, and gives a key; DNS names another one for the domain. */
async function comeByDialback(domain: string, kind: Kind, shown: Credentials, shownByOwn: Credentials): Promise<Row['inDialback']> {
  const own = await scene.place(domain, kind)
  const caller = await Stranger.calls(home.ports[kind], kind)
  const ends = { from: domain, to: HOME }
  await caller.opens(ends, shown)
  caller.send(keyFor(ends, 'key'))
  const isAsked = await vouches(await own.next(), ends, shownByOwn, { id: caller.streamId, key: 'key' })
  const result = await caller.hears('result')
  assert.equal(result.attrs['type'], isAsked ? 'valid' : 'error')
  if (isAsked) return delivered(caller, domain, juliet)
  assert.equal(conditionOf(result), 'remote-server-timeout')
  caller.send(messageOf(`romeo@${domain}`, juliet.address))
  assert.equal(await caller.hearsStreamError(), 'not-authorized')
  return 'remote-server-timeout, and nobody was asked'
}

/** A user of ours writes to a domain whose server shows this. */
async function goTo(domain: string, kind: Kind, credentials: Credentials, mechanism: 'external' | 'dialback'): Promise<Row['out']> {
  const place = await scene.place(domain, kind)
  juliet.say(`romeo@${domain}`, 'a secret', domain)
  const called = await place.next()
  const ends = { from: domain, to: HOME }
  if (await called.welcomes(ends, { credentials }, OFFERS[mechanism])) {
    await letIn(called, ends, mechanism)
    const message = await called.hears('message')
    assert.deepEqual([message.attrs['from']?.split('/')[0], message.attrs['to']], [juliet.address, `romeo@${domain}`])
    return 'delivered'
  }
  assert.equal(called.heard, '', 'something was said behind TLS')
  const { failure, waiting } = await home.failureOf(domain)
  if (waiting > 0) return `waiting: ${failure}`
  const returned = await juliet.hears('message', { id: domain, type: 'error', from: `romeo@${domain}` })
  return `${conditionOf(returned) as 'remote-server-timeout'}: ${failure}`
}

async function delivered(caller: Stranger, domain: string, to: Guest): Promise<'delivered'> {
  caller.send(messageOf(`romeo@${domain}`, to.address))
  await to.hears('message', { from: `romeo@${domain}`, body: 'hello' })
  return 'delivered'
}

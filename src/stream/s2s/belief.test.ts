import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { issuedBy, type Made, selfSigned } from '../../../test/net/certificates.ts'
import { startDnsServer } from '../../../test/net/dns-server.ts'
import type { Target } from '../../net/dial/targets.ts'
import { Dns } from '../../net/dns/dns.ts'
import type { Socket } from '../../net/socket.ts'
import { TrustAnchors } from '../../net/trust/path.ts'
import { Posh } from '../../net/trust/posh.ts'
import { type Called, type Judge, judgeBy } from './belief.ts'

const root = selfSigned({ subject: 'Root' })
const own = selfSigned({ isAuthority: false, names: { dns: ['evil.example'] } })
const target: Target = { host: 'xmpp.evil.example', port: 5269, kind: 'tcp', isAuthentic: true }

const showing = ({ cert }: Made, isVerified = false): Socket => ({ tls: { shown: () => [cert], isVerified } }) as unknown as Socket

/** Judges what comes over a connection that was opened to somebody, whom DNSSEC vouches for, or over one that has come in. */
async function judging(t: TestContext, called: Called | undefined, exceptions: readonly string[] = []): Promise<Judge> {
  const certificate = hash('sha256', own.cert.raw, 'buffer')
  const server = await startDnsServer({
    '_5269._tcp.xmpp.evil.example': { isAuthentic: true, tlsa: [{ usage: 3, selector: 0, matchingType: 1, certificate }] },
  })
  t.after(() => server.close())
  return judgeBy({
    anchors: new TrustAnchors([root.cert]),
    dns: new Dns({ servers: [server.address] }),
    posh: undefined,
    pins: new Map(),
    isException: domain => exceptions.includes(domain),
    calledOn: () => called,
  })
}

test('RFC 7673: the records of a server speak for the domain whose server it is', async t => {
  const judge = await judging(t, { domain: 'evil.example', target })
  assert.deepEqual(await judge(showing(own), 'evil.example'), { isBelieved: true, by: 'dane' })
})

test('RFC 7673: the records of a server speak for no other domain that is claimed there', async t => {
  const judge = await judging(t, { domain: 'evil.example', target })
  assert.deepEqual(await judge(showing(own), 'victim.example'), { isBelieved: false, why: 'its certificate is not believed' })
})

test('whoever answers at the address of an onion service is that service', async t => {
  const judge = await judging(t, { domain: 'abcdef.onion', target: { ...target, host: 'abcdef.onion', isAuthentic: false } })
  assert.deepEqual(await judge(showing(own), 'abcdef.onion'), { isBelieved: true, by: 'onion' })
})

test('whoever answers at another address is no onion service', async t => {
  for (const host of ['xmpp.evil.example', 'evil.onion']) {
    const judge = await judging(t, { domain: host, target: { ...target, host, isAuthentic: false } })
    assert.equal((await judge(showing(own), 'abcdef.onion')).isBelieved, false)
  }
  const incoming = await judging(t, undefined)
  assert.equal((await incoming(showing(own), 'abcdef.onion')).isBelieved, false)
})

test('on a connection of ours OpenSSL must believe a certificate, too, whichever domain is claimed', async t => {
  const judge = await judging(t, { domain: 'evil.example', target })
  const both = issuedBy(root, { names: { dns: ['evil.example', 'other.example'] } })
  assert.equal((await judge(showing(both), 'other.example')).isBelieved, false)
  assert.deepEqual(await judge(showing(both, true), 'other.example'), { isBelieved: true, by: 'pkix' })
})

test('RFC 7673 §4.2: what a web site tells does not count where DNS tells of an authority', async t => {
  const authority = selfSigned({ subject: 'Own' })
  const leaf = issuedBy(authority, { names: { dns: ['other.example'] } })
  const certificate = hash('sha256', authority.cert.raw, 'buffer')
  const server = await startDnsServer({
    '_5269._tcp.xmpp.evil.example': { isAuthentic: true, tlsa: [{ usage: 2, selector: 0, matchingType: 1, certificate }] },
  })
  t.after(() => server.close())
  const fingerprints = [{ 'sha-256': hash('sha256', leaf.cert.raw, 'base64') }]
  const judge = judgeBy({
    anchors: new TrustAnchors([root.cert]),
    dns: new Dns({ servers: [server.address] }),
    posh: new Posh({ get: async () => Buffer.from(JSON.stringify({ fingerprints, expires: 60 })) }),
    pins: new Map(),
    isException: () => false,
    calledOn: () => ({ domain: 'evil.example', target }),
  })
  const shown = { tls: { shown: () => [leaf.cert, authority.cert], isVerified: false } } as unknown as Socket
  assert.deepEqual(await judge(shown, 'evil.example'), { isBelieved: false, why: 'its certificate names another domain' })
})

test('strangers cannot make us ask the web about very many domains at a time', async () => {
  const asked: string[] = []
  const posh = new Posh({
    get(url) {
      asked.push(url)
      return new Promise(() => {})
    },
  })
  const judge = judgeBy({
    anchors: new TrustAnchors([root.cert]),
    dns: new Dns({ servers: ['127.0.0.1:1'] }),
    posh,
    pins: new Map(),
    isException: () => false,
    calledOn: () => undefined,
  })
  for (let i = 0; i < 50; i++) void judge(showing(own), `d${i}.victim.example`)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(asked.length, 20)
})

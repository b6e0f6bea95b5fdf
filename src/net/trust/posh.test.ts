import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, LookupFunction } from 'node:net'
import { type TestContext, test } from 'node:test'
import { issuedBy, selfSigned } from '../../../test/net/certificates.ts'
import { httpsGetter, matchesPosh, Posh } from './posh.ts'

const leaf = selfSigned({ isAuthority: false }).cert
const sha256 = hash('sha256', leaf.raw, 'buffer')
const sha512 = hash('sha512', leaf.raw, 'buffer')
const fingerprints = [{ 'sha-256': sha256.toString('base64') }]
const OWN = 'https://there.example/.well-known/posh/xmpp-server.json'

function world(documents: Record<string, unknown>) {
  const asked: string[] = []
  const clock = { now: 0 }
  const get = async (url: string) => {
    asked.push(url)
    const document = documents[url]
    if (document === undefined) throw new Error('404')
    return Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))
  }
  return { posh: new Posh({ get, now: () => clock.now }), asked, clock, documents }
}

test('RFC 7711 §3.1: a domain tells the fingerprints of its certificates', async () => {
  const both = [{ 'sha-1': 'AAAA', 'sha-256': sha256.toString('base64'), 'sha-512': sha512.toString('base64') }]
  const { posh, asked } = world({ [OWN]: { fingerprints: both, expires: 60 } })
  assert.deepEqual(await posh.fingerprints('There.Example'), [sha256, sha512])
  assert.deepEqual(asked, [OWN])
})

test('RFC 7711 §3.2: a domain refers to another document, which holds them', async () => {
  const hosting = 'https://hosting.example/posh.json'
  const { posh, documents } = world({ [OWN]: { url: hosting, expires: 60 }, [hosting]: { fingerprints, expires: 60 } })
  assert.deepEqual(await posh.fingerprints('there.example'), [sha256])
  documents['https://elsewhere.example/.well-known/posh/xmpp-server.json'] = { url: OWN }
  assert.deepEqual(await posh.fingerprints('elsewhere.example'), [], 'a reference to a reference')
})

test('a domain can send us to no other place than a name with HTTPS', async () => {
  for (const url of [
    'http://h.example/',
    'https://h.example:8443/',
    'https://u:p@h.example/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://2130706433/',
    'file:///etc/passwd',
    'h.example',
    '',
  ]) {
    const { posh, asked } = world({ [OWN]: { url, expires: 60 } })
    assert.deepEqual(await posh.fingerprints('there.example'), [], url)
    assert.deepEqual(asked, [OWN], url)
  }
})

test('what is no document of fingerprints holds none', async () => {
  const documents = ['', 'no json', 'null', '1', '[]', '{}', '"a"', '{"fingerprints":{}}', '{"fingerprints":[null,1,"a",{}]}']
  documents.push('{"fingerprints":[{"sha-256":1}]}', '{"fingerprints":[{"sha-256":"AAAA"}]}', '{"fingerprints":[{"sha-1":"AAAA"}]}')
  documents.push(JSON.stringify({ fingerprints, padding: 'x'.repeat(65_536) }))
  for (const document of documents) assert.deepEqual(await world({ [OWN]: document }).posh.fingerprints('there.example'), [])
  assert.equal(
    (await world({ [OWN]: { fingerprints: Array(1_000).fill(fingerprints[0]) } }).posh.fingerprints('there.example')).length,
    100,
  )
})

test('an address has no fingerprints, nor has what is no name', async () => {
  const { posh, asked } = world({})
  for (const domain of ['127.0.0.1', '[::1]', 'a/b', 'there.example/x', '']) assert.deepEqual(await posh.fingerprints(domain), [])
  assert.deepEqual(asked, [])
})

test('an answer is kept for as long as it says, and a day at most', async () => {
  const { posh, asked, clock, documents } = world({ [OWN]: { fingerprints, expires: 60 } })
  const ask = async (now: number): Promise<number> => {
    clock.now = now
    await posh.fingerprints('there.example')
    return asked.length
  }
  assert.equal(await ask(0), 1)
  assert.equal(await ask(59_999), 1)
  documents[OWN] = { fingerprints, expires: 1e9 }
  assert.equal(await ask(60_000), 2)
  assert.equal(await ask(60_000 + 86_399_999), 2)
  documents[OWN] = { fingerprints }
  assert.equal(await ask(60_000 + 86_400_000), 3)
  assert.equal(await ask(60_000 + 86_400_000), 4)
})

test('a failure is kept for five minutes', async () => {
  const { posh, asked, clock, documents } = world({})
  assert.deepEqual(await posh.fingerprints('there.example'), [])
  documents[OWN] = { fingerprints, expires: 60 }
  clock.now = 299_999
  assert.deepEqual(await posh.fingerprints('there.example'), [])
  clock.now = 300_000
  assert.deepEqual(await posh.fingerprints('there.example'), [sha256])
  assert.equal(asked.length, 2)
})

test('many who ask at once make one request', async () => {
  const { posh, asked } = world({ [OWN]: { fingerprints } })
  await Promise.all(Array.from({ length: 9 }, () => posh.fingerprints('there.example')))
  assert.equal(asked.length, 1)
})

test('no more than a thousand domains are kept', async () => {
  const { posh, asked } = world({})
  for (let i = 0; i <= 1_000; i++) await posh.fingerprints(`d${i}.example`)
  await posh.fingerprints('d1000.example')
  assert.equal(asked.length, 1_001)
  await posh.fingerprints('d0.example')
  assert.equal(asked.length, 1_002)
})

test('a certificate is matched by its whole', () => {
  assert.ok(matchesPosh(leaf, [Buffer.alloc(32), sha256]))
  assert.ok(matchesPosh(leaf, [sha512]))
  assert.ok(!matchesPosh(leaf, [Buffer.alloc(32), sha256.subarray(1), Buffer.alloc(0)]))
  assert.ok(!matchesPosh(selfSigned().cert, [sha256, sha512]))
})

const authority = selfSigned()
const authorities = [authority.cert.toString()]

async function web(
  t: TestContext,
  answer: RequestListener,
  names = ['there.example'],
  subject = '',
): Promise<{ url: string; lookups: string[]; lookup: LookupFunction }> {
  const { cert, key } = issuedBy(authority, { subject, names: { dns: names } })
  const server = createServer({ cert: cert.toString(), key: key.export({ type: 'pkcs8', format: 'pem' }) }, answer).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const lookups: string[] = []
  const lookup: LookupFunction = (host, { all }, done) => {
    lookups.push(host)
    if (all) done(null, [{ address: '127.0.0.1', family: 4 }])
    else done(null, '127.0.0.1', 4)
  }
  return { url: `https://there.example:${(server.address() as AddressInfo).port}/x.json`, lookups, lookup }
}

test('Node fetches from where the lookup leads, and nowhere else', async t => {
  const { url, lookup, lookups } = await web(t, (_, response) => response.end('{"fingerprints":[]}'))
  assert.equal(String(await httpsGetter({ lookup, authorities })(url)), '{"fingerprints":[]}')
  assert.deepEqual(lookups, ['there.example'])
  const refusing: LookupFunction = (_host, _options, done) => done(new Error('not there'), '', 4)
  await assert.rejects(httpsGetter({ lookup: refusing, authorities })(url), /not there/)
  for (const address of ['127.0.0.1', '[::1]'])
    await assert.rejects(httpsGetter({ lookup, authorities })(url.replace('there.example', address)), /Addresses are not asked/)
})

test('Node fetches from a server with a good certificate only, and the environment does not change that', async t => {
  const { url, lookup } = await web(t, (_, response) => response.end('{}'))
  const kept = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  const ignored = t.mock.method(process, 'emitWarning', () => {})
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.after(() => {
    ignored.mock.restore()
    if (kept === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = kept
  })
  await assert.rejects(httpsGetter({ lookup })(url))
  await assert.rejects(httpsGetter({ lookup, authorities })(url.replace('there', 'elsewhere')))
  const common = await web(t, (_, response) => response.end('{}'), [], 'there.example')
  await assert.rejects(httpsGetter({ lookup, authorities })(common.url), /other names/)
})

test('what is not there, leads on or is too large is no document', async t => {
  const { url, lookup } = await web(t, (request, response) => {
    if (request.url === '/large') return response.end(Buffer.alloc(65_537))
    return response.writeHead(request.url === '/on' ? 302 : 404, { Location: '/x.json' }).end('{}')
  })
  const get = httpsGetter({ lookup, authorities })
  for (const path of ['/large', '/on', '/nothing']) await assert.rejects(get(new URL(path, url).href), /no document/)
})

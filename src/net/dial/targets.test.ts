import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startDnsServer, type Zone } from '../../../test/net/dns-server.ts'
import { Dns } from '../dns/dns.ts'
import { DialError, NotOffered } from './dial-error.ts'
import { inSrvOrder } from './srv-order.ts'
import { findTargets, type Overrides, parseTarget } from './targets.ts'

const STARTTLS = '_xmpp-server._tcp.there.example'
const DIRECT = '_xmpps-server._tcp.there.example'
const srv = (priority: number, target: string, port = 5269, weight = 0) => ({ priority, weight, port, target })

async function find(t: TestContext, zone: Zone, domain = 'there.example', overrides?: Overrides) {
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  const dns = new Dns({ servers: [server.address] })
  const targets = await findTargets(dns, domain, overrides && { overrides })
  return { targets, questions: server.questions.toSorted() }
}

test('XEP-0368 §3: servers with and without direct TLS are tried in one order, by priority', async t => {
  const { targets } = await find(t, {
    [STARTTLS]: { srv: [srv(30, 'c.example'), srv(10, 'a.example')] },
    [DIRECT]: { srv: [srv(20, 'b.example', 5270), srv(40, 'd.example', 443)] },
  })
  assert.deepEqual(targets, [
    { host: 'a.example', port: 5269, kind: 'tcp', isAuthentic: false },
    { host: 'b.example', port: 5270, kind: 'tls', isAuthentic: false },
    { host: 'c.example', port: 5269, kind: 'tcp', isAuthentic: false },
    { host: 'd.example', port: 443, kind: 'tls', isAuthentic: false },
  ])
})

test('RFC 2782: among equals chance decides, according to weight', () => {
  const records = [
    srv(1, 'light.example', 1, 10),
    srv(1, 'none.example', 1, 0),
    srv(1, 'heavy.example', 1, 30),
    srv(0, 'first.example', 1, 0),
  ]
  const order = (...numbers: number[]) => inSrvOrder(records, () => numbers.shift()!).map(({ target }) => target.split('.')[0])
  // The first number is for the only one of priority 0; then the running sums are none 0, light 10, heavy 40.
  assert.deepEqual(order(0, 0, 10, 0), ['first', 'none', 'light', 'heavy'])
  assert.deepEqual(order(0, 1, 1, 0), ['first', 'light', 'heavy', 'none'])
  assert.deepEqual(order(0, 11, 0, 0), ['first', 'heavy', 'none', 'light'])
  assert.deepEqual(order(0, 40, 10, 0), ['first', 'heavy', 'light', 'none'])
})

test('RFC 2782: with weights 1 and 9, the heavier is first about nine times of ten', () => {
  const records = [srv(1, 'light.example', 1, 100), srv(1, 'heavy.example', 1, 900)]
  let heavy = 0
  for (let i = 0; i < 5_000; i++) if (inSrvOrder(records)[0]!.target === 'heavy.example') heavy++
  assert.ok(heavy > 4_300 && heavy < 4_700, String(heavy))
})

test('what DNSSEC vouches for is known to be authentic', async t => {
  const { targets } = await find(t, {
    [STARTTLS]: { srv: [srv(1, 'a.example')], isAuthentic: true },
    [DIRECT]: { srv: [srv(2, 'b.example')] },
  })
  assert.deepEqual(
    targets.map(({ isAuthentic }) => isAuthentic),
    [true, false],
  )
})

test('RFC 6120 §3.2.2: a domain without such records is reached at its own address', async t => {
  const { targets } = await find(t, {})
  assert.deepEqual(targets, [{ host: 'there.example', port: 5269, kind: 'tcp', isAuthentic: false }])
})

test('RFC 2782: a domain may say that it has no such service', async t => {
  const none = { srv: [srv(0, '.')] }
  for (const zone of [{ [STARTTLS]: none, [DIRECT]: none }, { [STARTTLS]: none }, { [DIRECT]: none }]) {
    await assert.rejects(
      find(t, zone),
      (error: Error) => error instanceof NotOffered && error instanceof DialError && error.kind === 'not-offered',
    )
  }
})

test('XEP-0368 §5: where only one of the two is not offered, the other is used', async t => {
  const { targets } = await find(t, { [DIRECT]: { srv: [srv(0, '.')] }, [STARTTLS]: { srv: [srv(1, 'a.example')] } })
  assert.deepEqual(
    targets.map(({ host }) => host),
    ['a.example'],
  )
})

test('when DNS fails that is an error, and no reason to go to the address of the domain', async t => {
  const broken = { isBroken: true }
  for (const zone of [{ [STARTTLS]: broken }, { [DIRECT]: broken }, { [STARTTLS]: broken, [DIRECT]: { srv: [srv(0, '.')] } }]) {
    await assert.rejects(find(t, zone), { name: 'DialError', kind: 'dns' })
  }
})

test('when one of two questions fails, the servers that are known will do', async t => {
  const { targets } = await find(t, { [DIRECT]: { isBroken: true }, [STARTTLS]: { srv: [srv(1, 'a.example')] } })
  assert.equal(targets[0]?.host, 'a.example')
})

test('addresses and onion services are not looked up', async t => {
  for (const [domain, host] of [
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:DB8::7]', '2001:db8::7'],
    ['abcdef.onion', 'abcdef.onion'],
  ] as const) {
    const { targets, questions } = await find(t, {}, domain)
    assert.deepEqual(targets, [{ host, port: 5269, kind: 'tcp', isAuthentic: false }])
    assert.deepEqual(questions, [])
  }
})

test('where the operator says where a domain is, nobody else is asked', async t => {
  const overrides = { 'Bücher.example': 'tls:[::1]:5270', 'there.example': 'Inner.example', '[::1]': '127.0.0.1:1' }
  for (const [domain, target] of [
    ['xn--bcher-kva.example', { host: '::1', port: 5270, kind: 'tls', isAuthentic: false }],
    ['THERE.example', { host: 'inner.example', port: 5269, kind: 'tcp', isAuthentic: false }],
    ['[::1]', { host: '127.0.0.1', port: 1, kind: 'tcp', isAuthentic: false }],
  ] as const) {
    const { targets, questions } = await find(t, {}, domain, overrides)
    assert.deepEqual(targets, [target])
    assert.deepEqual(questions, [])
  }
})

test('what is no place to connect to is not read as one', () => {
  for (const text of ['', 'tls:', 'a b', 'a..b', 'a:0', 'ssl:a:1', 'tls:tls:a']) assert.equal(parseTarget(text), undefined, text)
})

test('what is no domain is an error, and not asked for', async t => {
  for (const domain of ['', 'a b', 'a..b', '[::1', 'a/b']) await assert.rejects(find(t, {}, domain), { kind: 'dns' })
})

test('of very many servers the first eight count', async t => {
  const { targets } = await find(t, { [STARTTLS]: { srv: Array.from({ length: 20 }, (_, i) => srv(i, `h${i}.example`)) } })
  assert.deepEqual(
    targets.map(({ host }) => host),
    Array.from({ length: 8 }, (_, i) => `h${i}.example`),
  )
})

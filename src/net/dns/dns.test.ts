import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import * as packet from 'dns-packet'
import { startDnsServer, type Zone } from '../../../test/net/dns-server.ts'
import { Dns, DnsError, type DnsOptions } from './dns.ts'
import { isOnLoopback } from './transport.ts'

const SRV = { priority: 1, weight: 2, port: 5269, target: 'xmpp.there.example' }
const failed = { name: 'DnsError', kind: 'failed' }
const timedOut = { name: 'DnsError', kind: 'timeout' }

/** A server with this zone, one who asks it, and a clock that stands still. */
async function serve(t: TestContext, zone: Zone, options: DnsOptions = {}) {
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  const clock = { now: 0 }
  const dns = new Dns({ servers: [server.address], now: () => clock.now, ...options })
  return { server, dns, clock }
}

/** A server that answers each message with what `reply` makes of it. */
async function serveRaw(t: TestContext, reply: (query: packet.DecodedPacket) => readonly Buffer[]) {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, { port, address }) => {
    for (const answer of reply(packet.decode(bytes))) socket.send(answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

function replyTo({ id, questions }: packet.DecodedPacket, changes: packet.Packet = {}): Buffer {
  return packet.encode({ type: 'response', id: id!, flags: packet.RECURSION_AVAILABLE, questions: questions!, ...changes })
}

test('records of all types come as they stand in the zone', async t => {
  const tlsa = { usage: 3, selector: 1, matchingType: 1, certificate: randomBytes(32) }
  const { dns } = await serve(t, {
    '_xmpp-server._tcp.there.example': { srv: [SRV, { ...SRV, target: '.' }] },
    '_5269._tcp.there.example': { tlsa: [tlsa] },
    'there.example': { a: ['192.0.2.7', '192.0.2.8'], aaaa: ['2001:db8::7'] },
  })
  assert.deepEqual(await dns.srv('_xmpp-server._tcp.there.example'), { records: [SRV, { ...SRV, target: '.' }], isAuthentic: false })
  assert.deepEqual((await dns.tlsa('_5269._tcp.there.example')).records, [tlsa])
  assert.deepEqual((await dns.addresses('there.example')).records, ['2001:db8::7', '192.0.2.7', '192.0.2.8'])
})

test('a name that does not exist, or has nothing of the type, has no records; that is no error', async t => {
  const { dns } = await serve(t, { 'there.example': { a: ['192.0.2.7'] } })
  assert.deepEqual(await dns.srv('nowhere.example'), { records: [], isAuthentic: false })
  assert.deepEqual(await dns.srv('there.example'), { records: [], isAuthentic: false })
})

test('aliases are followed, and a ring of them ends', async t => {
  const { dns } = await serve(t, {
    'there.example': { cname: 'host.example' },
    'host.example': { cname: 'real.example' },
    'real.example': { a: ['192.0.2.7'] },
    'ring.example': { cname: 'ring.example' },
  })
  assert.deepEqual((await dns.addresses('there.example')).records, ['192.0.2.7'])
  assert.deepEqual((await dns.addresses('ring.example')).records, [])
})

test('a name in any script is asked for in the form that DNS has', async t => {
  const { dns, server } = await serve(t, { 'xn--bcher-kva.example': { srv: [SRV] } })
  assert.equal((await dns.srv('Bücher.example.')).records.length, 1)
  assert.deepEqual(server.questions, ['SRV xn--bcher-kva.example'])
})

test('what is no name is not asked for', async t => {
  const { dns, server } = await serve(t, {})
  for (const name of ['', '.', 'a..b', 'a b', `${'a'.repeat(64)}.example`, 'a.'.repeat(130), 'a/b', '\0.example', '[::1]']) {
    await assert.rejects(dns.srv(name), failed, name)
  }
  assert.deepEqual(server.questions, [])
})

test('RFC 7686 §2: the name of an onion service is never asked for', async t => {
  const { dns, server } = await serve(t, {})
  for (const name of ['abc.onion', '_xmpp-server._tcp.abc.ONION.']) await assert.rejects(dns.srv(name), failed)
  await assert.rejects(dns.addresses('onion'), failed)
  assert.deepEqual(server.questions, [])
})

test('an answer too long for UDP is fetched over TCP', async t => {
  const many = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`)
  const { dns, server } = await serve(t, {
    'long.example': { srv: [SRV], isLong: true },
    'many.example': { aaaa: many.map((_, i) => `2001:db8::${i + 1}`) },
  })
  assert.deepEqual((await dns.srv('long.example')).records, [SRV])
  assert.deepEqual(server.questions, ['SRV long.example', 'SRV long.example (tcp)'])
  assert.equal((await dns.addresses('many.example')).records.length, 32, 'of very many records some are left away')
})

test('SERVFAIL is an error, and no answer is another', async t => {
  const { dns, server } = await serve(t, { 'broken.example': { isBroken: true } })
  await assert.rejects(dns.srv('broken.example'), failed)
  server.setFailing('silent')
  await assert.rejects(new Dns({ servers: [server.address], timeout: 20 }).srv('there.example'), timedOut)
  assert.deepEqual(server.questions, ['SRV broken.example', 'SRV there.example', 'SRV there.example'])
})

test('when nobody listens that is known at once', async t => {
  const { dns, server } = await serve(t, {}, { timeout: 60_000 })
  await server.close()
  await assert.rejects(dns.srv('there.example'), failed)
})

test('the next server is asked when the first is silent or cannot answer, and is the first from then on', async t => {
  for (const how of ['silent', 'servfail'] as const) {
    const { server: bad } = await serve(t, {})
    const { server: good } = await serve(t, { 'a.example': { srv: [SRV] }, 'b.example': { srv: [SRV] } })
    const dns = new Dns({ servers: [bad.address, good.address], timeout: 500 })
    bad.setFailing(how)
    for (const name of ['a.example', 'b.example']) assert.deepEqual((await dns.srv(name)).records, [SRV])
    assert.deepEqual(bad.questions, ['SRV a.example'])
  }
})

test('one family of addresses is enough when the other cannot be had', async t => {
  const address = await serveRaw(t, query => {
    const [{ type, name }] = query.questions as [packet.Question]
    return [type === 'A' ? replyTo(query, { answers: [{ type, name, data: '192.0.2.7' }] }) : replyTo(query, { flags: 2 })]
  })
  const dns = new Dns({ servers: [address] })
  assert.deepEqual(await dns.addresses('there.example'), { records: ['192.0.2.7'], isAuthentic: false })
})

test('that an answer was validated is believed of a resolver on this machine only', async t => {
  const { dns } = await serve(t, {
    'signed.example': { srv: [SRV], a: ['192.0.2.7'], isAuthentic: true },
    'unsigned.example': { srv: [SRV], a: ['192.0.2.7'] },
  })
  for (const [name, isAuthentic] of [
    ['signed.example', true],
    ['unsigned.example', false],
  ] as const) {
    assert.equal((await dns.srv(name)).isAuthentic, isAuthentic)
    assert.equal((await dns.addresses(name)).isAuthentic, isAuthentic)
  }
  for (const host of ['127.0.0.1', '127.0.0.53', '::1']) assert.ok(isOnLoopback({ host, port: 53 }))
  for (const host of ['192.0.2.1', '::2', '10.127.0.1', '2001:db8::1']) assert.ok(!isOnLoopback({ host, port: 53 }))
})

test('an answer to something else is passed over, and the true one taken', async t => {
  const answers: packet.Answer[] = [{ type: 'A', name: 'there.example', data: '192.0.2.66' }]
  const address = await serveRaw(t, query => {
    const [question] = query.questions as [packet.Question]
    return [
      replyTo({ ...query, id: query.id! ^ 1 }, { answers }),
      replyTo({ ...query, questions: [{ ...question, name: 'evil.example' }] }, { answers }),
      replyTo({ ...query, questions: [{ ...question, type: 'TXT' }] }, { answers }),
      replyTo({ ...query, questions: [{ ...question, class: 'CH' }] }, { answers }),
      replyTo({ ...query, questions: [question, question] }, { answers }),
      replyTo({ ...query, questions: [] }, { answers }),
      packet.encode({ type: 'query', id: query.id!, questions: [question], answers }),
      Buffer.from('nonsense'),
      replyTo(query, { answers: [{ type: 'CNAME', name: 'evil.example', data: 'there.example' }] }),
    ]
  })
  assert.deepEqual((await new Dns({ servers: [address] }).addresses('there.example')).records, [])
})

test('records of other names, classes and types do not count, though they stand in the answer', async t => {
  const name = 'there.example'
  const address = await serveRaw(t, query => {
    const answers: packet.Answer[] = [
      { type: 'A', name: 'evil.example', data: '192.0.2.66' },
      { type: 'A', name, class: 'CH', data: '192.0.2.67' },
      { type: 'TXT', name, data: '192.0.2.68' },
      { type: 'CNAME', name: 'evil.example', data: 'evil2.example' },
    ]
    return [replyTo(query, { answers, additionals: [{ type: 'A', name, data: '192.0.2.69' }] })]
  })
  assert.deepEqual((await new Dns({ servers: [address] }).addresses(name)).records, [])
})

test('an answer comes from the server that was asked, and none other', async t => {
  const stranger = createSocket('udp4')
  t.after(() => stranger.close())
  const server = createSocket('udp4')
  server.on('message', (bytes, { port, address }) => {
    const query = packet.decode(bytes)
    const [{ name }] = query.questions as [packet.Question]
    const answer = (data: string) => replyTo(query, { answers: [{ type: 'A', name, data }] })
    stranger.send(answer('192.0.2.66'), port, address, () => server.send(answer('192.0.2.7'), port, address))
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const dns = new Dns({ servers: [`127.0.0.1:${server.address().port}`] })
  const { records } = await dns.addresses('there.example')
  assert.deepEqual(records, ['192.0.2.7'])
})

test('an answer in other capitals than the question had is asked for again over TCP', async t => {
  const name = 'a-name-of-many-letters-which-will-hardly-be-all-small.example'
  const { dns, server } = await serve(t, { [name]: { srv: [SRV], isCareless: true } })
  assert.deepEqual((await dns.srv(name)).records, [SRV])
  assert.deepEqual(server.questions, [`SRV ${name}`, `SRV ${name} (tcp)`])
})

test('a server that knows no EDNS version, or only points to others, has not said that there is nothing', async t => {
  const opt: packet.OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 512,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const
  for (const changes of [{ additionals: [opt] }, { flags: 0 }] as packet.Packet[]) {
    const address = await serveRaw(t, query => [replyTo(query, changes)])
    await assert.rejects(new Dns({ servers: [address] }).srv('there.example'), failed)
  }
})

test('records of which none can be read are an error, not a domain without records', async t => {
  const { dns } = await serve(t, { 'there.example': { srv: [{ ...SRV, target: 'no name.example' }] } })
  await assert.rejects(dns.srv('there.example'), failed)
})

test('whatever bytes come, the worst is a DnsError', async t => {
  let kind = 0
  const address = await serveRaw(t, query => {
    const [{ name }] = query.questions as [packet.Question]
    const whole = replyTo(query, {
      answers: [
        { type: 'SRV', name, data: SRV },
        { type: 'CNAME', name, data: 'x.example' },
        { type: 'TLSA', name, data: { usage: 3, selector: 1, matchingType: 1, certificate: randomBytes(32) } },
        { type: 'A', name, data: '192.0.2.7' },
      ],
    })
    const random = randomBytes(randomBytes(1)[0]!)
    const broken = Buffer.from(whole)
    for (let i = 0; i < 4; i++) broken[12 + (randomBytes(2).readUInt16BE() % (broken.length - 12))] = randomBytes(1)[0]!
    const head = Buffer.concat([whole.subarray(0, 12), random])
    return [[random], [broken], [head], [whole.subarray(0, 12 + (random.length % (whole.length - 12)))]][kind++ % 4]!
  })
  const dns = new Dns({ servers: [address], timeout: 30 })
  const asked = Array.from({ length: 2_000 }, async (_, i) => {
    try {
      const { records } = i % 2 ? await dns.srv(`s${i}.example`) : await dns.tlsa(`t${i}.example`)
      assert.ok(Array.isArray(records))
    } catch (error) {
      assert.ok(error instanceof DnsError)
    }
  })
  await Promise.all(asked)
})

test('an answer is kept as long as it says, but for 5 seconds at least and an hour at most', async t => {
  const { dns, server, clock } = await serve(t, {
    'short.example': { srv: [SRV], ttl: 0 },
    'usual.example': { srv: [SRV], ttl: 300 },
    'long.example': { srv: [SRV], ttl: 86_400 },
    'alias.example': { cname: 'usual.example', ttl: 20 },
  })
  for (const [name, span] of [
    ['short.example', 5_000],
    ['usual.example', 300_000],
    ['long.example', 3_600_000],
    ['alias.example', 20_000],
    ['nowhere.example', 60_000],
  ] as const) {
    server.questions.length = 0
    await dns.srv(name)
    clock.now += span - 1
    await dns.srv(name)
    assert.deepEqual(server.questions, [`SRV ${name}`])
    clock.now += 1
    await dns.srv(name)
    assert.deepEqual(server.questions, [`SRV ${name}`, `SRV ${name}`])
  }
})

test('while no server can answer, what was known holds an hour longer, and is found at once', async t => {
  const { dns, server, clock } = await serve(t, { 'there.example': { srv: [SRV], ttl: 300 } })
  await dns.srv('there.example')
  server.setFailing('servfail')
  server.questions.length = 0
  clock.now = 300_000
  assert.deepEqual((await dns.srv('there.example')).records, [SRV])
  const tries = server.questions.length
  assert.deepEqual((await dns.srv('there.example')).records, [SRV])
  assert.equal(server.questions.length, tries, 'dead servers are left alone for a while')
  clock.now = 3_899_999
  assert.deepEqual((await dns.srv('there.example')).records, [SRV])
  clock.now = 3_900_000
  await assert.rejects(dns.srv('there.example'), failed)
  server.setFailing(undefined)
  server.zone['there.example'] = { srv: [{ ...SRV, port: 1 }] }
  assert.equal((await dns.srv('there.example')).records[0]?.port, 1)
})

test('the answers kept are limited in number; those not used for longest go first', async t => {
  const { dns, server } = await serve(t, {}, { most: 2 })
  for (const name of ['a.example', 'b.example', 'a.example', 'c.example', 'a.example', 'b.example']) await dns.srv(name)
  assert.deepEqual(server.questions, ['SRV a.example', 'SRV b.example', 'SRV c.example', 'SRV b.example'])
})

test('who asks the same at the same time shares one question', async t => {
  const { dns, server } = await serve(t, { 'there.example': { srv: [SRV], delay: 5 } })
  const answers = await Promise.all(['there.example', 'THERE.example', 'there.example.'].map(name => dns.srv(name)))
  for (const { records } of answers) assert.deepEqual(records, [SRV])
  assert.deepEqual(server.questions, ['SRV there.example'])
})

test('more questions than may wait are refused', async t => {
  const { dns, server } = await serve(t, {}, { timeout: 1_000 })
  const asked = await Promise.allSettled(Array.from({ length: 1_200 }, (_, i) => dns.srv(`${i}.example`)))
  assert.equal(asked.filter(({ status }) => status === 'rejected').length, 200)
  assert.equal(new Set(server.questions).size, 1_000)
})

test('a server that is no address is told to the operator', () => {
  for (const server of ['dns.example', '127.0.0.1:0', '::1:53:', '[127.0.0.1]:53']) {
    assert.throws(() => new Dns({ servers: [server] }), { message: /is no DNS server/ }, server)
  }
})

/** What peers may do to a server, while two innocents go on talking to each other. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { Client } from './client.ts'
import { HOSTILE_XML } from './hostile-xml.ts'
import { Innocents } from './innocents.ts'
import { Server } from './server.ts'
import { within } from './within.ts'

/** How long anyone may take to log in; short, so that the tests are. */
const TIME_TO_LOG_IN = 6_000
const HALF_OPEN = 5_000
const STANZAS = 100_000
/** The most that the server may have grown, in MiB: what it remembers of accounts, and what its allocators keep for the next storm. */
const GROWTH = 300
/** How long it rests before that is looked at in the end: what it threw away goes back once it is quiet (src/lib/spare-memory.ts). */
const REST = 10_000
const header = (content: 'client' | 'server'): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:${content}' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`
const HEADER = header('client')
const NAMES = ['juliet', 'romeo', 'mallory', 'sloth', 'snail', 'tybalt'] as const

let server: Server
let innocents: Innocents
let atStart: { memory: number; descriptors: number }

before(async () => {
  server = await Server.make({ settings: `[limits]\nrate = "2MiB"\nbefore.time = "${TIME_TO_LOG_IN / 1000}s"\n` })
  await server.addAccounts(NAMES)
  await server.start()
  innocents = await Innocents.meet(server, 'juliet', 'romeo')
  await innocents.during(() => wait(1000))
  atStart = { memory: server.memory, descriptors: server.descriptors }
})

after(() => server[Symbol.asyncDispose]())

/** Does it, and shows that the innocents did not suffer more than a wait. */
async function whileTheyTalk(t: TestContext, work: () => Promise<unknown>): Promise<void> {
  const calm = await innocents.during(() => wait(1000))
  const { sent, arrived, median, worst } = await innocents.during(work)
  t.diagnostic(
    `innocent messages: ${sent} sent, ${arrived} arrived; median ${median.toFixed(1)} ms (before: ${calm.median.toFixed(1)}), worst ${worst.toFixed(0)} ms (before: ${calm.worst.toFixed(0)})`,
  )
  t.diagnostic(`server: ${server.memory} MiB, ${server.descriptors} descriptors`)
  assert.equal(arrived, sent, 'messages of the innocents did not arrive')
  assert.ok(innocents.areConnected, 'the innocents were cut off')
  assert.doesNotMatch(server.output, / fault /)
}

const ALLOWED =
  /<(?:not-well-formed|restricted-xml|bad-namespace-prefix|invalid-xml|bad-format|unsupported-encoding|policy-violation|not-authorized|unsupported-stanza-type|invalid-namespace|resource-constraint)[ />]/

/** What the server answers to a header and this behind it. */
async function answerTo(socket: Socket, head: string, xml: string | Buffer): Promise<string> {
  socket.write(head)
  socket.write(xml)
  return lastWords(socket)
}

/** What the server says until it closes. */
async function lastWords(socket: Socket): Promise<string> {
  let said = ''
  socket.on('data', bytes => (said += bytes)).on('error', () => {})
  await within(5_000, once(socket, 'close'), 'the server to close').finally(() => socket.destroy())
  return said
}

test('malformed XML ends the stream that it came in, before TLS and after it', async t => {
  const ca = readFileSync(server.ca)
  await whileTheyTalk(t, async () => {
    for (const [what, xml] of Object.entries(HOSTILE_XML)) {
      assert.match(await answerTo(connect(server.starttls, '127.0.0.1'), HEADER, xml), ALLOWED, `${what}, over TCP`)
      const secure = connectTls({ host: '127.0.0.1', port: server.port, servername: 'localhost', ca })
      assert.match(await answerTo(secure, HEADER, xml), ALLOWED, `${what}, over TLS`)
    }
  })
})

test('malformed XML of a server ends the stream with the same error as that of a client, before TLS and after it', async t => {
  const ca = readFileSync(server.ca)
  await whileTheyTalk(t, async () => {
    for (const [what, xml] of Object.entries(HOSTILE_XML)) {
      const [expected] = ALLOWED.exec(await answerTo(connect(server.starttls, '127.0.0.1'), HEADER, xml))!
      const plain = await answerTo(connect(server.s2s, '127.0.0.1'), header('server'), xml)
      assert.ok(plain.includes(expected), `${what}, over TCP: ${expected} is not in ${plain}`)
      const tls = { host: '127.0.0.1', port: server.s2sTls, servername: 'localhost', ca, ALPNProtocols: ['xmpp-server'] }
      const secure = await answerTo(connectTls(tls), header('server'), xml)
      assert.ok(secure.includes(expected), `${what}, over TLS: ${expected} is not in ${secure}`)
    }
  })
})

test('malformed XML of one who has logged in ends the session', async t => {
  await whileTheyTalk(t, async () => {
    for (const [what, xml] of Object.entries(HOSTILE_XML)) {
      const mallory = await Client.online(server.login('mallory'), 'x', true)
      mallory.socket.write(xml)
      await within(5_000, mallory.closed, `the end after ${what}`)
      assert.match(`<${mallory.streamError}/>`, ALLOWED, what)
    }
  })
})

test('malformed XML over WebSocket ends the stream', async t => {
  await whileTheyTalk(t, async () => {
    for (const [what, xml] of Object.entries(HOSTILE_XML)) {
      const webSocket = new WebSocket(`wss://127.0.0.1:${server.https}/xmpp-websocket`, 'xmpp', { rejectUnauthorized: false })
      await once(webSocket, 'open')
      let said = ''
      webSocket.on('message', data => (said += data)).on('error', () => {})
      const closed = once(webSocket, 'close')
      webSocket.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`)
      webSocket.send(xml, { binary: false })
      const [code] = await within(5_000, closed, `the end after ${what}`)
      // A text frame that is no UTF-8, or one too large, is WebSocket's own affair.
      if (code !== 1007 && code !== 1009) assert.match(said, ALLOWED, `${what}: ${code} ${said}`)
    }
  })
})

test('a flood from one client slows down that client alone', async t => {
  const mallory = await Client.online(server.login('mallory'), 'flood', false)
  const flood = Buffer.from(
    `<message type="chat" to="tybalt@localhost"><body>${'x'.repeat(60)}</body></message><iq type="get" id="a" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>`.repeat(
      100,
    ),
  )
  let written = 0
  await whileTheyTalk(t, async () => {
    const until = performance.now() + 5_000
    while (performance.now() < until && !mallory.isClosed) {
      written += flood.length
      if (!mallory.socket.write(flood)) await Promise.race([mallory.drained(), wait(200)])
      else await wait(1)
    }
  }).finally(() => mallory.break())
  t.diagnostic(
    `${(mallory.socket.bytesWritten / 5 / 2 ** 20).toFixed(1)} MiB/s taken from it, of a wish for ${(written / 5 / 2 ** 20).toFixed(1)}`,
  )
})

test(`${HALF_OPEN} connections that come to nothing are all closed in time`, async t => {
  // The beginning of a ClientHello, as long as it says it were longer.
  const hello = Buffer.from('16030102000100', 'hex')
  const kinds: readonly [string, number, string | Buffer][] = [
    ['silent, where STARTTLS is offered', server.starttls, ''],
    ['silent, where TLS comes first', server.port, ''],
    ['in the middle of the TLS handshake', server.port, hello],
    ['with half a stream header', server.starttls, HEADER.slice(0, 60)],
    ['silent at the web', server.https, ''],
    ['slow at the web', server.https, hello],
  ]
  const sockets: Socket[] = []
  const open = new Set<Socket>()
  await whileTheyTalk(t, async () => {
    for (let i = 0; i < HALF_OPEN; i++) {
      const [, port, first] = kinds[i % kinds.length]!
      const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.${1 + (i >> 8)}.${1 + (i & 127)}` })
      socket
        .on('error', () => {})
        .on('close', () => open.delete(socket))
        .resume()
      socket.once('connect', () => open.add(socket))
      if (first !== '') socket.write(first)
      sockets.push(socket)
      if (i % 100 === 99) await once(socket, 'connect')
    }
    t.diagnostic(`${open.size} open: ${server.memory} MiB, ${server.descriptors} descriptors`)
    assert.ok(open.size > HALF_OPEN * 0.9, `only ${open.size} were let in`)
    // One who has come to log in can.
    const startedAt = performance.now()
    await (await Client.online(server.login('tybalt'), 'desk', true)).leave()
    t.diagnostic(`a login meanwhile took ${Math.round(performance.now() - startedAt)} ms`)
    const deadline = performance.now() + 25_000
    while (open.size > 0 && performance.now() < deadline) await wait(100)
  })
  const left = sockets.map((socket, i) => (open.has(socket) ? kinds[i % kinds.length]![0] : '')).filter(kind => kind !== '')
  for (const socket of sockets) socket.destroy()
  assert.deepEqual([...new Set(left)], [], `${left.length} were not closed`)
})

test(`one that never reads is cut off, however much it is sent, and costs no more than its queue`, async t => {
  const memory = server.memory
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, server.memory)), 50).unref()
  await whileTheyTalk(t, async () => {
    for (const [name, isManaged] of [
      ['sloth', false],
      ['snail', true],
    ] as const) {
      const reader = await Client.online(server.login(name), 'bed', isManaged)
      await wait(100)
      reader.socket.pause()
      const mallory = await Client.online(server.login('mallory'), 'loud', false)
      let refused = 0
      mallory.onStanza = ({ attrs: { type } }) => void (type === 'error' && refused++)
      for (let i = 0; i < STANZAS; i++) {
        const xml = `<message type="chat" id="m${i}" to="${name}@localhost"><body>${'x'.repeat(80)}</body></message>`
        if (!mallory.socket.write(xml)) await mallory.drained()
        if (mallory.isClosed) break
      }
      assert.ok(!mallory.isClosed, `the sender was cut off: ${mallory.streamError}`)
      await mallory.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
      t.diagnostic(`${name}, ${isManaged ? 'with' : 'without'} stream management: ${refused} of ${STANZAS} messages came back`)
      mallory.break()
      reader.socket.resume()
      await within(10_000, reader.closed, 'the end of one that does not read')
    }
  })
  clearInterval(watching)
  t.diagnostic(`${most - memory} MiB more at most`)
  assert.ok(most - memory < GROWTH, `grew by ${most - memory} MiB`)
})

test('whoever asks for thousands of addresses learns nothing, and the server remembers little', async t => {
  const mallory = await Client.online(server.login('mallory'), 'probe', false)
  const answers = new Map<string, Set<string>>()
  mallory.onStanza = stanza => {
    const { id = '', type = '' } = stanza.attrs
    const kind = id.replace(/\d+/, '')
    const error =
      stanza
        .elements()
        .find(({ name }) => name === 'error')
        ?.first()?.name ?? ''
    if (kind !== '') answers.set(kind, (answers.get(kind) ?? new Set()).add(`${stanza.name} ${type} ${error}`))
  }
  await whileTheyTalk(t, async () => {
    for (let i = 0; i < 5_000; i++) {
      for (const [kind, name] of [
        ['known', 'tybalt'],
        ['unknown', `nobody${i}`],
      ]) {
        mallory.send(`<iq type="get" id="${kind}${i}" to="${name}@localhost"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`)
        mallory.send(`<presence type="probe" to="${name}@localhost"/>`)
      }
      if (mallory.socket.writableNeedDrain) await mallory.drained()
    }
    await mallory.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
    const failures = new Map<string, number>()
    for (let i = 0; i < 200; i++) {
      // Of a known one but a few: those who guess at one account are made to wait.
      const login = { ...server.login(i % 67 === 0 ? 'tybalt' : `nobody${i}`), password: 'wrong' }
      const reason = await Client.login(login).then(
        () => 'let in',
        (error: Error) => error.message,
      )
      failures.set(reason, (failures.get(reason) ?? 0) + 1)
    }
    assert.deepEqual([...failures.keys()], ['not-authorized'])
  }).finally(() => mallory.break())
  assert.deepEqual(answers.get('unknown'), answers.get('known'))
})

test('afterwards the server is what it was', async t => {
  await wait(REST)
  const { memory, descriptors } = server
  t.diagnostic(`memory: ${atStart.memory} MiB at the start, ${memory} MiB at the end; descriptors: ${atStart.descriptors}, ${descriptors}`)
  assert.ok(memory - atStart.memory < GROWTH, `grew from ${atStart.memory} to ${memory} MiB`)
  // The thread that empties the database's log after a write has some, for a minute.
  assert.ok(descriptors <= atStart.descriptors + 9, `${descriptors} descriptors, ${atStart.descriptors} at the start`)
  await innocents[Symbol.asyncDispose]()
  assert.equal((await server.stop()).code, 0)
})

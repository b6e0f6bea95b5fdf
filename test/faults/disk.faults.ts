/** A disk that is full, a store that is broken, settings that are wrong, and a stop in the midst of it all. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { makeAuthority, makeLeaf } from '../../src/net/x509.ts'
import { Client } from './client.ts'
import { History } from './history.ts'
import { Person } from './person.ts'
import { chanceOf } from './seed.ts'
import { Server } from './server.ts'
import { within } from './within.ts'

/** The size of the disk that becomes full. */
const DISK = 4 * 2 ** 20

/** Whether this user may give the server a small disk of its own. */
const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0

test('on a full disk nothing is acknowledged that is not safe; chat and logins go on; with space again all is well', {
  skip: !mayMount,
}, async t => {
  const server = await Server.make({ settings: '[limits]\nrate = "8MiB"\n' })
  const mount = (...args: string[]): void => assert.equal(spawnSync(args[0]!, args.slice(1)).status, 0, args.join(' '))
  mkdirSync(server.data)
  mount('mount', '-t', 'tmpfs', '-o', `size=${DISK}`, 'none', server.data)
  t.after(async () => {
    await server.stop('SIGKILL')
    spawnSync('umount', ['-l', server.data])
    await server[Symbol.asyncDispose]()
  })
  await server.addAccounts(['writer', 'away', 'talker', 'listener', 'late'])
  await server.start()
  const refusals = new Map<string, number>()
  const refused = new Set<string>()
  const outbox: string[] = []
  let acknowledged = 0
  const writer = await Client.online(server.login('writer'), 'desk', true, stanza => {
    if (stanza.attrs['type'] !== 'error') return
    const condition =
      stanza
        .elements()
        .find(({ name }) => name === 'error')
        ?.first()?.name ?? ''
    refusals.set(condition, (refusals.get(condition) ?? 0) + 1)
    refused.add(stanza.attrs['id']!)
  })
  writer.onAcknowledged = h => (acknowledged = Math.max(acknowledged, h))
  outbox.push('presence')
  const write = (size: number): void => {
    const id = `w${outbox.length}`
    outbox.push(id)
    writer.send(`<message type="chat" id="${id}" to="away@localhost"><body>${'x'.repeat(size)}</body></message>`)
  }

  // Until no more fits.
  for (let i = 0; i < 400 && refused.size < 20; i++) {
    write(20_000)
    writer.ask()
    await wait(10)
  }
  t.diagnostic(`${outbox.length - 1} messages written, ${refused.size} refused: ${JSON.stringify(Object.fromEntries(refusals))}`)
  assert.deepEqual([...refusals.keys()], ['resource-constraint'])

  // Those who are there hear each other, and others come.
  const heard: string[] = []
  const listener = await Client.online(
    server.login('listener'),
    'desk',
    true,
    ({ name, attrs: { id } }) => void (name === 'message' && heard.push(id!)),
  )
  const talker = await Client.online(server.login('talker'), 'desk', true)
  for (let i = 0; i < 50; i++) talker.send(`<message type="chat" id="t${i}" to="listener@localhost"><body>hi</body></message>`)
  await talker.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  await wait(300)
  assert.equal(heard.length, 50, 'chat between those who are online')

  // Space again: the disk is larger now.
  mount('mount', '-o', `remount,size=${DISK * 8}`, 'none', server.data)
  const before = refused.size
  const spaceAt = performance.now()
  let isTaken = false
  while (!isTaken && performance.now() - spaceAt < 10_000) {
    const count = refused.size
    write(1000)
    const h = outbox.length
    for (let i = 0; i < 20 && acknowledged < h && refused.size === count; i++) {
      writer.ask()
      await wait(50)
    }
    isTaken = refused.size === count && acknowledged >= h
  }
  t.diagnostic(
    `taken again ${Math.round(performance.now() - spaceAt)} ms after there was space; ${refused.size - before} refused meanwhile`,
  )
  assert.ok(isTaken, 'messages are taken again')
  writer.ask()
  await wait(500)

  // What was acknowledged and not refused survives a crash.
  const promised = outbox.slice(1, acknowledged).filter(id => !refused.has(id))
  await server.stop('SIGKILL')
  await server.start()
  const got = new Set<string>()
  const away = await Client.online(
    server.login('away'),
    'desk',
    true,
    ({ name, attrs: { id } }) => void (name === 'message' && got.add(id!)),
  )
  for (let i = 0; i < 50 && promised.some(id => !got.has(id)); i++) await wait(100)
  const missing = promised.filter(id => !got.has(id))
  t.diagnostic(
    `${promised.length} acknowledged, ${got.size} delivered, ${missing.length} missing; refused but delivered: ${[...refused].filter(id => got.has(id)).length}`,
  )
  assert.deepEqual(missing, [])
  assert.deepEqual(
    [...refused].filter(id => got.has(id)),
    [],
    'refused but delivered',
  )
  for (const client of [away, listener, talker, writer]) client.break()
})

/** Starts the server, which must refuse to; gives what it says. */
function refusal(server: Server): string {
  const { status, stderr, stdout } = spawnSync(join(import.meta.dirname, '../../bin/conexizan'), ['serve', '--config', server.config], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.equal(status, 78, `exit code with: ${stderr}`)
  assert.equal(stdout, '')
  assert.doesNotMatch(stderr, /\n\s+at /, 'a sentence, not a stack')
  return stderr
}

test('a store or settings that cannot be used end the start with 78 and a sentence', async t => {
  await using server = await Server.make()
  await server.addAccounts(['romeo'])
  const file = join(server.data, 'localhost.sqlite')
  const good = readFileSync(file)
  const settings = readFileSync(server.config, 'utf8')

  const stores: Record<string, Buffer> = {
    'no database': Buffer.from('this is no database, though it is long enough to look like one. '.repeat(100)),
    'a cut header': Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(84, 0xff), good.subarray(100)]),
    'a damaged schema': Buffer.concat([good.subarray(0, 100), Buffer.alloc(3996, 0xaa), good.subarray(4096)]),
  }
  for (const [what, bytes] of Object.entries(stores)) {
    for (const tail of ['-wal', '-shm']) rmSync(file + tail, { force: true })
    writeFileSync(file, bytes)
    const said = refusal(server)
    t.diagnostic(`${what}: ${said.trim()}`)
    assert.match(said, /database/)
    assert.deepEqual(readFileSync(file), bytes, 'what cannot be read is left as it is')
  }
  rmSync(file)
  mkdirSync(file)
  t.diagnostic(`a folder: ${refusal(server).trim()}`)
  rmSync(file, { recursive: true })
  writeFileSync(file, good)

  const wrong: Record<string, string> = {
    'broken TOML': `${settings}\nx = = 1\n`,
    'an unknown setting': `unknown = 1\n${settings}`,
    'a wrong type': `${settings}\n[limits]\nsessions = "many"\n`,
    'no host': settings.replace('"localhost"', ''),
    'a certificate that is not there': `${settings}\n[tls]\ncertificate = { cert = "none.crt", key = "none.key" }\n`,
  }
  for (const [what, text] of Object.entries(wrong)) {
    writeFileSync(server.config, text)
    t.diagnostic(`${what}: ${refusal(server).trim().split('\n')[0]}`)
  }
  rmSync(server.config)
  t.diagnostic(`no file: ${refusal(server).trim()}`)
  writeFileSync(server.config, settings)
  await server.start()
})

test('SIGTERM under load: all are told, nothing acknowledged is lost, and it is over within five seconds', async t => {
  await using server = await Server.make()
  const chance = chanceOf('stop')
  const history = new History()
  const people = Array.from({ length: 20 }, (_, i) => new Person(`p${i}`, `p${i ^ 1}`, 'steady', server, history))
  await server.addAccounts([...people.map(({ name }) => name), 'watcher'])
  await server.start()
  const watcher = await Client.online(server.login('watcher'), 'desk', true)
  await Promise.all(people.map(person => person.comeOnline()))
  const loading = setInterval(() => {
    for (const person of people) {
      person.write()
      person.write()
      if (chance.once(5)) person.ask()
    }
  }, 10)
  await wait(1500)
  const { code, ms } = await server.stop('SIGTERM')
  clearInterval(loading)
  await within(5_000, watcher.closed, 'the end of the watcher')
  t.diagnostic(`${history.sent.size} sent; it stopped after ${Math.round(ms)} ms`)
  assert.equal(code, 0)
  assert.ok(ms < 5_000)
  assert.equal(watcher.streamError, 'system-shutdown')
  for (const person of people) person.lose()
  await server.start()
  await Promise.all(people.map(person => person.comeOnline()))
  for (let i = 0, seen = -1; i < 50 && seen !== history.received.length; i++) {
    seen = history.received.length
    await wait(500)
  }
  t.diagnostic(`${history.acknowledged.length} acknowledged, ${history.received.length} received`)
  const counts = { lost: history.lost().length, twice: history.twice().length, disordered: history.disordered().length }
  assert.deepEqual(counts, { lost: 0, twice: 0, disordered: 0 })
  for (const person of people) person.lose()
})

test('SIGHUP shows a new certificate and keeps all sessions; a bad one changes nothing', async t => {
  const folder = join(import.meta.dirname, `../../node_modules/.cache/conexizan-faults-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const authority = makeAuthority('An authority for tests', 10)
  const [cert, key, ca] = ['one.crt', 'one.key', 'ca.crt'].map(name => join(folder, name)) as [string, string, string]
  const put = (): string => {
    const leaf = makeLeaf(authority, ['localhost'], 5)
    writeFileSync(key, leaf.key)
    writeFileSync(cert, leaf.cert)
    return new X509Certificate(leaf.cert).fingerprint256
  }
  writeFileSync(ca, authority.cert)
  const first = put()
  await using server = await Server.make({ settings: `[tls]\ncertificate = { cert = "${cert}", key = "${key}" }\n` })
  await server.addAccounts(['romeo', 'juliet'])
  await server.start()
  const login = (name: string) => ({ ...server.login(name), ca })
  const romeo = await Client.online(login('romeo'), 'desk', true)
  assert.equal(romeo.socket.getPeerCertificate().fingerprint256, first)
  const shown = async (): Promise<string> => {
    const client = await Client.login(login('juliet'))
    const { fingerprint256 } = client.socket.getPeerCertificate()
    client.break()
    return fingerprint256
  }
  for (let i = 0; i < 5; i++) {
    const next = put()
    await reloads(server)
    assert.equal(await shown(), next, 'the new certificate is shown')
  }
  const last = await shown()
  writeFileSync(key, makeLeaf(authority, ['localhost'], 5).key)
  await reloads(server)
  assert.equal(await shown(), last, 'a key that does not fit changes nothing')
  rmSync(cert)
  await reloads(server)
  assert.equal(await shown(), last, 'a certificate that is gone changes nothing')
  await romeo.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  assert.ok(!romeo.isClosed)
  assert.equal(romeo.socket.getPeerCertificate().fingerprint256, first)
  romeo.break()
})

test('SIGHUP takes over what can change, names what cannot, and what is wrong changes nothing', async () => {
  await using server = await Server.make()
  await server.addAccounts(['romeo', 'juliet'])
  await server.start()
  const romeo = await Client.online(server.login('romeo'), 'desk', true)
  const by = (mechanism: string) => Client.login({ ...server.login('juliet'), mechanism }).then(client => client.break())
  const settings = readFileSync(server.config, 'utf8')
  await assert.rejects(by('PLAIN'), /invalid-mechanism/)

  writeFileSync(server.config, settings.replace('[auth]', '[auth]\nplain = true\nsha1 = true'))
  assert.match(await reloads(server), /^auth\.sha1 changes only with a restart\.$/m)
  await by('PLAIN')
  await assert.rejects(by('SCRAM-SHA-1'), /invalid-mechanism/)

  writeFileSync(server.config, settings.replace('[auth]', '[auth]\nplain = 3'))
  assert.match(await reloads(server), /^The settings stay as they were: .*auth\.plain: must be /m)
  await by('PLAIN')
  await romeo.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  romeo.break()
})

/** Sends SIGHUP; gives what the server says to it. */
async function reloads(server: Server): Promise<string> {
  const { length } = server.output
  server.signal('SIGHUP')
  const said = (): string => server.output.slice(length)
  for (let i = 0; i < 100 && !/settings\.read|stay as they were/.test(said()); i++) await wait(20)
  return said()
}

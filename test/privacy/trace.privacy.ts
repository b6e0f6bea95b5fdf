import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { Client } from '../faults/client.ts'
import { Server } from '../faults/server.ts'

const ROOT = resolve(import.meta.dirname, '../..')

let server: Server
before(async () => {
  server = await Server.make({ settings: 'plain = true\n' })
  await server.addAccounts(['alice', 'bob'])
  await server.start()
  const alice = await Client.online(server.login('alice'), undefined, true)
  alice.send('<message type="chat" to="bob@localhost"><body>hello</body></message>')
  await alice.asks('get', '<query xmlns="urn:xmpp:mam:2"/>').catch(() => {})
  await alice.leave()
})
after(() => server[Symbol.asyncDispose]())

test('what is kept is for the server’s own user alone', () => {
  for (const folder of [server.data, `${server.data}-secrets`]) {
    assert.equal(statSync(folder).mode & 0o777, 0o700, folder)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const { mode } = statSync(join(folder, name))
      // The certificate is there to be given to clients.
      if (!name.endsWith('.crt')) assert.equal(mode & 0o077, 0, name)
    }
  }
})

test('no file is open but those of its folders and of the program', () => {
  const folder = `/proc/${server.pid}/fd`
  const open = readdirSync(folder).map(name => readlinkSync(join(folder, name)))
  const strange = open.filter(
    name => name.startsWith('/') && !name.startsWith('/dev/') && !name.startsWith(server.data) && !name.startsWith(ROOT),
  )
  assert.deepEqual(strange, [])
})

test('no file is mapped for writing but the index of the database’s log', () => {
  const maps = readFileSync(`/proc/${server.pid}/maps`, 'utf8').split('\n')
  const shared = maps.filter(line => / [r-]w[x-]s /.test(line)).map(line => line.replace(/^(?:\S+\s+){5}/, ''))
  assert.deepEqual(
    shared.filter(name => name.startsWith('/') && !name.endsWith('.sqlite-shm')),
    [],
  )
})

test('it listens where it was told to, and nobody can call a debugger', () => {
  const own = [server.starttls, server.port, server.https, server.http, server.s2s, server.s2sTls]
  assert.deepEqual(listening(server.pid), own.sort())
  assert.match(readFileSync(`/proc/${server.pid}/status`, 'utf8'), caughtSignal(10, false))
})

test('neither arguments nor environment tell a secret', () => {
  const text = ['cmdline', 'environ'].map(name => readFileSync(`/proc/${server.pid}/${name}`, 'latin1')).join('\0')
  const secrets = readdirSync(`${server.data}-secrets`).map(name => readFileSync(join(`${server.data}-secrets`, name)))
  assert.doesNotMatch(text, /correct horse/)
  for (const secret of secrets) assert.ok(!text.includes(secret.toString('latin1', 0, 32)) || secret.length === 0)
})

/** The ports on which a process listens, of TCP over IPv4 and IPv6. */
function listening(pid: number): number[] {
  const folder = `/proc/${pid}/fd`
  const sockets = new Set(readdirSync(folder).map(name => /^socket:\[(\d+)\]$/.exec(target(join(folder, name)))?.[1]))
  const lines = ['tcp', 'tcp6'].flatMap(kind => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').trim().split('\n').slice(1))
  const fields = lines.map(line => line.trim().split(/\s+/))
  return fields
    .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(inode))
    .map(([, local]) => Number.parseInt(local!.split(':')[1]!, 16))
    .sort()
}

/** Where a link leads; nowhere if what it stands for was closed since the folder was read. */
function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** A line of /proc/…/status by which the process catches a signal, or not. */
function caughtSignal(signal: number, isCaught: boolean): RegExp {
  const digit = Math.floor((signal - 1) / 4)
  const bit = 1 << ((signal - 1) % 4)
  const digits = [...'0123456789abcdef'].filter(hex => ((Number.parseInt(hex, 16) & bit) !== 0) === isCaught).join('')
  return new RegExp(`^SigCgt:\\s+[0-9a-f]*[${digits}][0-9a-f]{${digit}}$`, 'm')
}

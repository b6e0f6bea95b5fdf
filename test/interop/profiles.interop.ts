import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { run, type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  server = await startServer('[auth]\niterations = 4096\n')
  for (const name of ['alice', 'bob']) await server.addUser(name, PASSWORD)
})
after(() => server[Symbol.asyncDispose]())

test('slixmpp sees the same avatar and the same bookmarks, whichever way they were set', unlessInstalled('slixmpp'), async () => {
  const options = { host: '127.0.0.1', port: server.ports.starttls, ca: server.ca, password: PASSWORD }
  const script = join(import.meta.dirname, 'clients/profiles-slixmpp.py')
  const found = JSON.parse(await run('/usr/bin/python3', [script, JSON.stringify(options)]))
  const inAllFormats = (...rooms: string[]): string[][] => Array(3).fill(rooms.map(room => `${room}@rooms.example`))
  assert.deepEqual(found, {
    photo: true,
    avatar: true,
    private: inAllFormats('a', 'b'),
    list: inAllFormats('b', 'c'),
    retracted: inAllFormats('c'),
  })
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
})
after(() => server[Symbol.asyncDispose]())

for (const kind of ['slixmpp', 'xmpp-js', 'stanza'] as const) {
  test(`${kind} makes an account with an invitation, and logs in at once`, unlessInstalled(kind), async () => {
    const token = await server.invite()
    await using guest = new Device(kind, { server, name: `guest-${kind}`, token })
    guest.do('connect')
    await guest.hears('registered')
    const { jid } = await guest.hears('online')
    assert.ok(String(jid).startsWith(`guest-${kind}@localhost/`))
  })

  test(`${kind} gets no second account with the same invitation`, unlessInstalled(kind), async () => {
    const token = await server.invite()
    await using first = new Device(kind, { server, name: `first-${kind}`, token })
    first.do('connect')
    await first.hears('online')
    await using second = new Device(kind, { server, name: `second-${kind}`, token })
    second.do('connect')
    await second.hears('failed')
  })
}

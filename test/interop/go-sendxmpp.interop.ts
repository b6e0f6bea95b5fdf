import { after, before, test } from 'node:test'
import { Device, PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { run, type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  // Debian's knows no SCRAM.
  server = await startServer('[auth]\nplain = true\niterations = 4096\n')
  for (const name of ['alice', 'bob']) await server.addUser(name, PASSWORD)
})
after(() => server[Symbol.asyncDispose]())

for (const way of ['STARTTLS', 'direct TLS']) {
  test(`go-sendxmpp logs in with PLAIN by ${way} and sends a message`, unlessInstalled('go-sendxmpp', 'stanza'), async () => {
    await using bob = await Device.online('stanza', { server, name: 'bob' })
    const isDirect = way === 'direct TLS'
    const place = `localhost:${isDirect ? server.ports.tls : server.ports.starttls}`
    const account = ['-u', 'alice@localhost', '-p', PASSWORD, '-j', place, ...(isDirect ? ['-t'] : [])]
    const env = { ...process.env, SSL_CERT_FILE: server.ca, HOME: '/nonexistent' }
    await run('go-sendxmpp', [...account, '--tls-version', '13', bob.address], `by ${way}\n`, env)
    await bob.hears('message', { from: 'alice@localhost', body: `by ${way}` })
  })
}

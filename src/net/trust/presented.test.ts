import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { issuedBy, type Made, selfSigned } from '../../../test/net/certificates.ts'
import { presentedBy } from './presented.ts'

const root = selfSigned({ subject: 'Root' })
const authority = issuedBy(root, { subject: 'Authority', isAuthority: true })
const stranger = selfSigned({ subject: 'Stranger' })
const own = selfSigned({ subject: 'Own', isAuthority: false })
const leaf = issuedBy(authority, { subject: 'Leaf' })

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const chain of [[leaf], [leaf, authority], [leaf, stranger, authority], [leaf, authority, root], [own]]) {
    const names = chain.map(({ cert }) => cert.subject)
    test(`${maxVersion}: both sides see what the other has presented: ${names}`, async t => {
      for (const side of await shakeHands(t, chain, maxVersion))
        assert.deepEqual(
          presentedBy(side).map(({ subject }) => subject),
          names,
        )
    })
  }
}

test('who has shown nothing has presented nothing', async t => {
  const [client, server] = await shakeHands(t, [leaf, authority], 'TLSv1.3', [])
  assert.deepEqual(presentedBy(server), [])
  assert.equal(presentedBy(client).length, 2)
})

async function shakeHands(
  t: TestContext,
  chain: readonly Made[],
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
  back = chain,
): Promise<[TLSSocket, TLSSocket]> {
  const options = { requestCert: true, rejectUnauthorized: false, ca: root.cert.toString(), maxVersion }
  const server = createServer({ ...options, ...shown(chain) }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ ...options, ...shown(back), port, host: '127.0.0.1' })
  const [[socket]] = await Promise.all([once(server, 'secureConnection') as Promise<[TLSSocket]>, once(client, 'secureConnect')])
  t.after(() => {
    client.destroy()
    socket.destroy()
  })
  return [client, socket]
}

function shown(chain: readonly Made[]): { cert?: string; key?: string } {
  const [first] = chain
  if (first === undefined) return {}
  return { cert: chain.map(({ cert }) => cert.toString()).join(''), key: first.key.export({ type: 'pkcs8', format: 'pem' }) as string }
}

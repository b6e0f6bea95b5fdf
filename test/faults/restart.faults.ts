/** Where secrets live in memory alone (`seal.level`): what is kept outlasts a restart of the server, and nothing else. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from './client.ts'
import { Server } from './server.ts'

const server = await Server.make({ settings: '[seal]\nlevel = "memory"\n' })
after(() => server[Symbol.asyncDispose]())
await server.addAccounts(['alice', 'bob'])

/** Alice writes while Bob is away. */
async function writes(body: string): Promise<void> {
  const alice = await Client.online(server.login('alice'), 'phone', true)
  alice.send(`<message type="chat" to="bob@${server.domain}"><body>${body}</body></message>`)
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  await alice.leave()
}

const starts = (): number => server.output.split('Make an account:').length

/** What waits for Bob. */
async function fetched(): Promise<string[]> {
  const bodies: string[] = []
  const bob = await Client.online(server.login('bob'), 'phone', true, stanza => {
    const body = stanza.elements().find(({ name }) => name === 'body')
    if (body !== undefined) bodies.push(body.text)
  })
  await bob.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  await bob.leave()
  return bodies
}

test('what is kept outlasts a restart, for which another process holds the secrets', async () => {
  await server.start()
  const { pid } = server
  await writes('before the restart')
  const before = starts()
  server.command(['restart'])
  for (let i = 0; i < 200 && starts() === before; i++) await wait(50)
  assert.equal(server.pid, pid)
  assert.deepEqual(await fetched(), ['before the restart'])
})

test('it does not outlast a stop', async () => {
  await writes('before the stop')
  await server.stop()
  await server.start()
  assert.deepEqual(await fetched(), [])
})

test('nor the end of the power', async () => {
  await writes('before the dark')
  await server.stop('SIGKILL')
  await server.start()
  assert.deepEqual(await fetched(), [])
  await server.stop()
})

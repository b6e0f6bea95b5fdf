import assert from 'node:assert/strict'
import { type Network, serverStory, type Town } from '../../../test/server-story.ts'
import type { Client } from '../../../test/story.ts'

/** Romeo at one server, Juliet at the other. */
async function lovers(here: Town, there: Town): Promise<[Client, Client]> {
  return [await here.world.online('romeo'), await there.world.online('juliet')]
}

/** A message each way, and how many connections that took. */
async function talk(network: Network, here: Town, there: Town): Promise<void> {
  const [romeo, juliet] = await lovers(here, there)
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>But soft</body></message>')
  await network.settled()
  juliet.receives('<message from="romeo@here.example/phone" to="juliet@there.example" id="m1"><body>But soft</body></message>')
  await juliet.sends('<message to="romeo@here.example/phone" id="m2"><body>Ay me</body></message>')
  await network.settled()
  romeo.receives('<message from="juliet@there.example/phone" to="romeo@here.example/phone" id="m2"><body>Ay me</body></message>')
}

const WAYS = [
  { name: 'STARTTLS and EXTERNAL', kind: 'tcp', mechanisms: { external: true, dialback: false } },
  { name: 'STARTTLS and dialback', kind: 'tcp', mechanisms: { external: false, dialback: true } },
  { name: 'direct TLS and EXTERNAL', kind: 'tls', mechanisms: { external: true, dialback: false } },
  { name: 'direct TLS and dialback', kind: 'tls', mechanisms: { external: false, dialback: true } },
] as const

for (const { name, kind, mechanisms } of WAYS) {
  serverStory(`two servers talk, by ${name}`, async network => {
    const here = await network.town('here.example', { mechanisms }, kind)
    const there = await network.town('there.example', { mechanisms }, kind)
    await talk(network, here, there)
    // XEP-0288: with EXTERNAL one connection serves both ways; dialback took another one to ask back.
    assert.equal(here.links, mechanisms.external ? 1 : 2)
  })
}

serverStory('a domain that does not exist is not found', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="a@nowhere.example" id="m1"><body>?</body></message>')
  await network.settled()
  romeo.receivesError('m1', 'remote-server-not-found')
})

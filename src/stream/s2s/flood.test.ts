/** What strangers can have us do, and how much of it (DESIGN law 10). */
import assert from 'node:assert/strict'
import { type Network, type Stranger, serverStory } from '../../../test/server-story.ts'
import type { Socket } from '../../net/socket.ts'

const claim = (domain: string) => `<db:result from='${domain}' to='here.example'>abc</db:result>`

/** Domains that strangers have claimed lead to places where nobody answers; gives how many we try at a time. */
function hanging(network: Network): () => number {
  const { dial } = network
  let hanging = 0
  network.dial = (remote, shows) => {
    if (!remote.endsWith('.evil.example')) return dial.call(network, remote, shows)
    hanging++
    return new Promise<Socket>(() => {})
  }
  return () => hanging
}

async function strangers(network: Network, count: number): Promise<Stranger[]> {
  const all = Array.from({ length: count }, () => network.stranger('evil.example'))
  for (const stranger of all) await stranger.opens('evil.example', 'here.example')
  for (const stranger of all) stranger.forget()
  return all
}

serverStory('keys of domains that hang leave room for stanzas to others', async network => {
  const here = await network.town('here.example')
  const there = await network.town('there.example')
  const [romeo, juliet] = [await here.world.online('romeo'), await there.world.online('juliet')]
  const count = hanging(network)
  for (const [i, stranger] of (await strangers(network, 50)).entries())
    await stranger.sends(...Array.from({ length: 10 }, (_, n) => claim(`d${i}-${n}.evil.example`)))
  assert.equal(count(), 100)
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  await network.settled()
  juliet.receives('<message id="m1"/>')
})

serverStory('a connection that hangs before it can be used counts, though it is made', async network => {
  await network.town('here.example')
  for (const [i, stranger] of (await strangers(network, 20)).entries()) {
    for (let n = 0; n < 10; n++) network.stranger(`d${i}-${n}.evil.example`)
    network.dialled = 0
    await stranger.sends(...Array.from({ length: 10 }, (_, n) => claim(`d${i}-${n}.evil.example`)))
    assert.equal(network.dialled, i < 10 ? 10 : 0)
  }
})

serverStory('not more keys that are no good are looked at than a few a minute', async network => {
  const here = await network.town('here.example')
  const [stranger] = (await strangers(network, 1)) as [Stranger]
  network.dialled = 0
  for (let i = 0; i < 50; i++) await stranger.sends(claim(`d${i}.nowhere.example`))
  assert.equal(network.dialled, 20)
  assert.ok(here.federation.counts.peers < 30)
})

serverStory('keys of a domain that cannot be reached do not keep us from trying it for our own', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  network.places.set('there.example', 'no connection could be made')
  for (let i = 0; i < 10; i++) {
    const [stranger] = (await strangers(network, 1)) as [Stranger]
    await stranger.sends(claim('there.example'))
    await network.later(2_000)
  }
  const there = await network.town('there.example')
  const juliet = await there.world.online('juliet')
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  await network.settled()
  juliet.receives('<message id="m1"/>')
})

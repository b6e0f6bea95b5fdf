import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SocksProxyServer, startSocksProxy } from '../../../test/net/socks-proxy.ts'
import { serverStory } from '../../../test/server-story.ts'
import { AddressPolicy } from '../../net/dial/address-policy.ts'
import type { Callers } from '../../net/dial/callers.ts'
import { Dns } from '../../net/dns/dns.ts'
import { Dialer } from './dialer.ts'
import { failure } from './parcel.ts'

/** Reaches all domains by way of a proxy. */
async function byProxy(t: TestContext): Promise<{ dialer: Dialer; proxy: SocksProxyServer }> {
  const proxy = await startSocksProxy()
  t.after(() => proxy.close())
  const dns = new Dns({ servers: ['127.0.0.1:1'] })
  const overrides = { 'there.example': 'xmpp.there.example:5000' }
  const options = { dns, policy: new AddressPolicy(), callers: {} as Callers, overrides, proxy: { ...proxy, isForAll: true } }
  return { dialer: new Dialer(options), proxy }
}

test('a domain whose name means something to JavaScript is a domain like others', async t => {
  const { dialer, proxy } = await byProxy(t)
  await assert.rejects(dialer.dial('here.example', 'constructor'), failure('no connection could be made'))
  assert.equal(proxy.requests[0]?.host, 'constructor')
})

test('no proxy is asked for an address in a network that must not be connected to', async t => {
  const { dialer, proxy } = await byProxy(t)
  const refused = failure('its address is in a network that must not be connected to')
  for (const domain of ['[::1]', '127.0.0.1', '[::ffff:127.0.0.1]'])
    await assert.rejects(dialer.dial('here.example', domain), refused, domain)
  assert.deepEqual(proxy.requests, [])
})

test('a proxy gets names as DNS has them, or those that the operator has written', async t => {
  const { dialer, proxy } = await byProxy(t)
  for (const domain of ['bücher.example', 'there.example']) await assert.rejects(dialer.dial('here.example', domain))
  assert.deepEqual(
    proxy.requests.map(({ host, port }) => `${host}:${port}`),
    ['xn--bcher-kva.example:5269', 'xmpp.there.example:5000'],
  )
})

serverStory('a fault of ours while a domain is dialled is told, and is no end of anything else', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  network.dial = () => Promise.reject(new TypeError('no function'))
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  await network.later(61_000)
  romeo.receivesError('m1', 'remote-server-timeout')
  assert.ok(network.faults.length > 0)
  network.faults.length = 0
})

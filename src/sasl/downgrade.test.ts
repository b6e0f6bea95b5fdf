import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Offer } from './offer.ts'
import { offerHash } from './offer.ts'
import { endPointData, exchangeFor, exporterData, login, offer12, offer13, refuses, romeo, tls12, tls13 } from './test-fixture.ts'

const endPoint = { type: 'tls-server-end-point', data: endPointData }
const exporter = { type: 'tls-exporter', data: exporterData }

function without(offer: Offer, pattern: RegExp): Offer {
  const keep = (name: string): boolean => !pattern.test(name)
  return { mechanisms: offer.mechanisms.filter(keep), channelBindings: offer.channelBindings.filter(keep) }
}

test('XEP-0474 §5.3: the hash is that of the example', () => {
  const offer = { mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'], channelBindings: ['tls-server-end-point', 'tls-exporter'] }
  assert.equal(offerHash(offer, 'SHA-1'), 'G6k/rBLDqgOhRRaCuuatSDFkJ08=')
})

test('XEP-0474 §5.1: the order of what was announced does not matter, and its absence does', () => {
  const { mechanisms, channelBindings } = offer13
  const reversed = { mechanisms: mechanisms.toReversed(), channelBindings: channelBindings.toReversed() }
  assert.equal(offerHash(reversed, 'SHA-256'), offerHash(offer13, 'SHA-256'))
  const hashes = [offer13, offer12, without(offer13, /-PLUS$/), without(offer13, /^tls/), without(offer13, /PLAIN/)]
  assert.equal(new Set(hashes.map(offer => offerHash(offer, 'SHA-256'))).size, hashes.length)
})

test('a client that saw everything as it was announced logs in', async () => {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512-PLUS']) {
    await login(romeo(mechanism, { offer: offer13, tlsVersion: '0304' }), exchangeFor(mechanism))
    const options = { offer: offer12, tlsVersion: '0303', ...(mechanism.endsWith('-PLUS') ? { binding: endPoint } : {}) }
    await login(romeo(mechanism, options), exchangeFor(mechanism, { binding: tls12, offer: offer12 }))
  }
})

test('who takes -PLUS, a binding type or a mechanism out of the list is seen by the client', async () => {
  for (const pattern of [/-PLUS$/, /^tls-exporter$/, /^tls/, /SHA-512/]) {
    const client = romeo('SCRAM-SHA-256', { offer: without(offer13, pattern) })
    await assert.rejects(login(client, exchangeFor('SCRAM-SHA-256')), /offer was downgraded/)
  }
})

test('who hides that by changing h or t in the challenge is seen by the server', async () => {
  for (const attribute of [/,h=[^,]*/, /,t=\d+/]) {
    const exchange = exchangeFor('SCRAM-SHA-256')
    const client = romeo('SCRAM-SHA-256')
    const { data } = await exchange.step(client.first())
    await refuses(exchange.step(client.final(Buffer.from(data!.toString().replace(attribute, '')))))
  }
})

test('XEP-0515 §1.1: TLS 1.3 to the client and 1.2 to the server, or the other way, is seen by the client', async () => {
  const toOldServer = exchangeFor('SCRAM-SHA-256-PLUS', { binding: tls12, offer: offer12 })
  await assert.rejects(login(romeo('SCRAM-SHA-256-PLUS', { binding: endPoint, tlsVersion: '0304' }), toOldServer), /TLS version/)
  const toNewServer = exchangeFor('SCRAM-SHA-256-PLUS')
  await assert.rejects(login(romeo('SCRAM-SHA-256-PLUS', { binding: endPoint, tlsVersion: '0303' }), toNewServer), /TLS version/)
})

test('SASL1 and SASL2 lists are hashed apart', async () => {
  const sasl1 = without(offer13, /SHA-1/)
  await login(romeo('SCRAM-SHA-256', { offer: sasl1 }), exchangeFor('SCRAM-SHA-256', { offer: sasl1 }))
  await assert.rejects(login(romeo('SCRAM-SHA-256', { offer: sasl1 }), exchangeFor('SCRAM-SHA-256')), /offer was downgraded/)
})

test('flag y fails where -PLUS was offered, flag n does not', async () => {
  await refuses(login(romeo('SCRAM-SHA-256', { flag: 'y' }), exchangeFor('SCRAM-SHA-256')))
  await login(romeo('SCRAM-SHA-256', { flag: 'n' }), exchangeFor('SCRAM-SHA-256'))
})

test('flag y is honest where no -PLUS was offered', async () => {
  const offer = without(offer13, /-PLUS$|^tls/)
  await login(romeo('SCRAM-SHA-256', { flag: 'y', offer }), exchangeFor('SCRAM-SHA-256', { offer, binding: {} }))
})

test('flag n sent for y in the binding is seen, and y for n', async () => {
  const offer = without(offer13, /-PLUS$|^tls/)
  const other = (final: Buffer): Buffer =>
    Buffer.from(final.toString().replace(/c=(biws|eSws)/, (_, c) => (c === 'biws' ? 'c=eSws' : 'c=biws')))
  for (const flag of ['n', 'y'] as const) {
    await refuses(login(romeo('SCRAM-SHA-256', { flag }), exchangeFor('SCRAM-SHA-256', { offer, binding: {} }), other))
  }
})

test('a binding to other data is refused', async () => {
  for (const data of [Buffer.alloc(32), endPointData, exporterData.subarray(1), Buffer.alloc(0)]) {
    await refuses(login(romeo('SCRAM-SHA-256-PLUS', { binding: { type: 'tls-exporter', data } }), exchangeFor('SCRAM-SHA-256-PLUS')))
  }
})

test('both announced types of binding log in on TLS 1.3', async () => {
  for (const binding of [exporter, endPoint]) await login(romeo('SCRAM-SHA-1-PLUS', { binding }), exchangeFor('SCRAM-SHA-1-PLUS'))
})

test('a type that was not announced, or is not safe here, is refused at once', async () => {
  const tlsUnique = romeo('SCRAM-SHA-256-PLUS', { binding: { type: 'tls-unique', data: exporterData } })
  await refuses(exchangeFor('SCRAM-SHA-256-PLUS').step(tlsUnique.first()))
  const client = romeo('SCRAM-SHA-256-PLUS')
  await refuses(exchangeFor('SCRAM-SHA-256-PLUS', { offer: offer12 }).step(client.first()))
  await refuses(exchangeFor('SCRAM-SHA-256-PLUS', { binding: tls12 }).step(client.first()))
})

test('-PLUS without a binding, and a binding without -PLUS, are refused at once', async () => {
  await refuses(exchangeFor('SCRAM-SHA-256-PLUS').step(romeo('SCRAM-SHA-256', { flag: 'n' }).first()))
  await refuses(exchangeFor('SCRAM-SHA-256-PLUS').step(romeo('SCRAM-SHA-256', { flag: 'y' }).first()))
  await refuses(exchangeFor('SCRAM-SHA-256').step(romeo('SCRAM-SHA-256', { binding: exporter }).first()))
})

test('without TLS there is no t in the challenge, and with it there is its version', async () => {
  const challenge = async (binding: typeof tls13 | {}): Promise<string> =>
    (await exchangeFor('SCRAM-SHA-256', { binding }).step(romeo('SCRAM-SHA-256').first())).data!.toString()
  assert.doesNotMatch(await challenge({}), /,t=/)
  assert.match(await challenge(tls12), /,h=[^,]+,t=0303$/)
  assert.match(await challenge(tls13), /,h=[^,]+,t=0304$/)
})

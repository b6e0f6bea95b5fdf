import assert from 'node:assert/strict'
import { Secret } from '../lib/secret.ts'
import type { ChannelBinding } from './channel-binding.ts'
import { deriveCredential, type FreshCredential, type ScramCredential } from './credential.ts'
import type { CredentialSource } from './credential-source.ts'
import type { Exchange, Success } from './exchange.ts'
import { mechanismsFor, startExchange } from './mechanisms.ts'
import type { Offer } from './offer.ts'
import type { Profile } from './profile.ts'
import { type SaslCondition, SaslError } from './sasl-error.ts'
import { SCRAM_HASHES, type ScramHash } from './scram-hash.ts'
import { TestClient, type TestClientOptions } from './test-client.ts'

/** Few, as tests are many. */
export const ITERATIONS = 64

export const exporterData = Buffer.alloc(32, 0xe1)
export const endPointData = Buffer.alloc(32, 0xe2)
export const tls13: ChannelBinding = { exporter: () => exporterData, endPoint: () => endPointData, tlsVersion: '1.3' }
export const tls12: ChannelBinding = { ...tls13, tlsVersion: '1.2' }

export const offer13: Offer = {
  mechanisms: mechanismsFor(tls13, { sha1: true, plain: true }),
  channelBindings: ['tls-exporter', 'tls-server-end-point'],
}
export const offer12: Offer = { ...offer13, channelBindings: ['tls-server-end-point'] }

export const profile: Profile = {
  prepareUsername(name) {
    if (/\s/.test(name)) throw new Error('no spaces')
    return name.toLowerCase()
  },
  isAuthzid: (authzid, username) => authzid === `${username}@montague.example`,
}

/** Credentials by account, for the password `pencil`; found as a store would do it. */
export function memorySource(accounts: Record<string, readonly ScramCredential[]>, fakeSaltKey = Buffer.alloc(32, 0xfa)): CredentialSource {
  const find = (username: string, hash: ScramHash) =>
    accounts[username]?.find(credential => credential.hash === hash) ?? accounts[username]?.[0]
  const iterationsInUse = (): Map<number, number> => {
    const inUse = new Map<number, number>()
    for (const [first] of Object.values(accounts)) if (first) inUse.set(first.iterations, (inUse.get(first.iterations) ?? 0) + 1)
    return inUse
  }
  return { find, fakeSaltKey, iterationsInUse, iterations: ITERATIONS }
}

const fresh = await Promise.all(SCRAM_HASHES.map(hash => deriveCredential('pencil', hash, ITERATIONS)))

export const pencils: readonly ScramCredential[] = fresh.map(({ credential }) => credential)

/** The same for a new account, with ClientKeys of its own. */
export const newPencils = (...hashes: ScramHash[]): FreshCredential[] =>
  fresh
    .filter(({ credential }) => hashes.length === 0 || hashes.includes(credential.hash))
    .map(({ credential, clientKey }) => ({ credential, clientKey: new Secret(Buffer.from(clientKey.bytes)) }))

export const montague = memorySource({ romeo: pencils })

/** The server's end of a stream on TLS 1.3, unless told otherwise. */
export function exchangeFor(mechanism: string, { source = montague, binding = tls13, offer = offer13 } = {}): Exchange {
  return startExchange(mechanism, source, binding, offer, profile)
}

/** Romeo's client, or one that differs in what is given. */
export function romeo(mechanism: string, options: Partial<TestClientOptions> = {}): TestClient {
  const binding = mechanism.endsWith('-PLUS') ? { binding: { type: 'tls-exporter', data: exporterData } } : {}
  return new TestClient({ mechanism, username: 'romeo', password: 'pencil', ...binding, ...options })
}

/** Both messages of SCRAM, one after the other; `onWay` is what happens to the second one. */
export async function login(client: TestClient, exchange: Exchange, onWay = (final: Buffer): Buffer => final): Promise<Success> {
  const challenge = await exchange.step(client.first())
  assert.equal(challenge.kind, 'challenge')
  const success = await exchange.step(onWay(client.final(challenge.data!)))
  assert.equal(success.kind, 'success')
  return success as Success
}

/** That it fails with this condition, and that the exchange tells nothing else. */
export function refuses(attempt: Promise<unknown>, condition: SaslCondition = 'not-authorized'): Promise<void> {
  return assert.rejects(attempt, error => error instanceof SaslError && error.condition === condition && error.message === condition)
}

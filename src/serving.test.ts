import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from './admin/config.ts'
import type { AccountsContext } from './admin/context.ts'
import { silentLog } from './core/log.ts'
import { program } from './main.ts'
import { findCredential } from './sasl/credential-source.ts'
import { contextOf, listComponents, openHosts } from './serving.ts'
import type { Element } from './xml/element.ts'
import { DiscoItems } from './xmpp/disco.ts'
import type { StreamError } from './xmpp/error.ts'
import { Jid } from './xmpp/jid.ts'
import { Client } from './xmpp/stanza.ts'

test('a new password from the operator ends the sessions of whoever knew the old one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const data = join(folder, 'data')
  const config = readConfig({ data, hosts: ['here.example'], auth: { iterations: 4096 } }, program.modules)
  const hosts = await openHosts(config, silentLog)
  const { router, servings, close } = hosts
  try {
    const accounts = contextOf(config, hosts).accounts('here.example')
    await accounts.create('juliet', 'the old one')
    let ended: StreamError | undefined
    const transport = { position: undefined, send() {}, close: (error: StreamError | undefined) => void (ended = error) }
    const session = await servings[0]!.host.bind('juliet', 'phone', transport)
    assert.deepEqual(await accounts.setPassword('juliet', 'the new one'), { isLost: true })
    await router.idle()
    assert.equal(ended?.condition, 'reset')
    assert.equal(session.isEnded, true)
    assert.equal(await accounts.setPassword('nobody', 'the new one'), undefined)
  } finally {
    await close()
    await rm(folder, { recursive: true })
  }
})

test('XEP-0030 §4: a component stands among the items of the nearest host above it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const data = join(folder, 'data')
  const config = readConfig({ data, hosts: ['here.example', 'deep.here.example', 'other.example'] }, program.modules)
  const { servings, close } = await openHosts(config, silentLog)
  try {
    listComponents(['irc.here.example', 'irc.deep.here.example', 'nothere.example', 'elsewhere.example'], servings)
    const items = await Promise.all(
      servings.map(async ({ host }) => {
        const payload = DiscoItems('query')
        const [from, to] = [Jid.parse('romeo@here.example/phone'), host.jid]
        const answer = await host.answers.answer('host', { from, to, payload, iq: Client('iq', { type: 'get' }, payload) })
        return (answer as Element).elements().map(({ attrs }) => attrs['jid'])
      }),
    )
    assert.deepEqual(items, [
      ['pubsub.here.example', 'conference.here.example', 'irc.here.example'],
      ['pubsub.deep.here.example', 'conference.deep.here.example', 'irc.deep.here.example'],
      ['pubsub.other.example', 'conference.other.example'],
    ])
  } finally {
    await close()
    await rm(folder, { recursive: true })
  }
})

test('where all accounts are from before the setting of iterations was changed, strangers are too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const data = join(folder, 'data')
  const shown = async (iterations: number, work: (accounts: AccountsContext) => Promise<unknown>): Promise<number> => {
    const config = readConfig({ data, hosts: ['here.example'], auth: { iterations } }, program.modules)
    const hosts = await openHosts(config, silentLog)
    const { servings, close } = hosts
    try {
      await work(contextOf(config, hosts).accounts('here.example'))
      return (await findCredential(servings[0]!.credentials, 'nobody', 'SHA-256')).credential.iterations
    } finally {
      await close()
    }
  }
  try {
    assert.equal(await shown(5000, async () => {}), 5000)
    assert.equal(await shown(4096, accounts => accounts.create('juliet', 'a fine password')), 4096)
    assert.equal(await shown(5000, async () => {}), 4096)
    assert.equal(await shown(5000, accounts => accounts.setPassword('juliet', 'a finer password')), 5000)
  } finally {
    await rm(folder, { recursive: true })
  }
})

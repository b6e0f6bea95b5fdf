import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from './admin/config.ts'
import { silentLog } from './core/log.ts'
import { program } from './main.ts'
import { closeAll, contextOf, openHosts } from './serving.ts'
import type { StreamError } from './xmpp/error.ts'

test('a new password from the operator ends the sessions of whoever knew the old one', async () => {
  const data = await mkdtemp(join(tmpdir(), 'conexizan-'))
  const config = readConfig({ data, hosts: ['here.example'], auth: { iterations: 4096 } }, program.modules)
  const { router, servings } = await openHosts(config, silentLog)
  try {
    const accounts = contextOf(config, servings).accounts('here.example')
    await accounts.create('juliet', 'the old one')
    let ended: StreamError | undefined
    const transport = { position: undefined, send() {}, close: (error: StreamError | undefined) => void (ended = error) }
    const session = await servings[0]!.host.bind('juliet', 'phone', transport)
    assert.equal(await accounts.setPassword('juliet', 'the new one'), true)
    await router.idle()
    assert.equal(ended?.condition, 'reset')
    assert.equal(session.isEnded, true)
    assert.equal(await accounts.setPassword('nobody', 'the new one'), false)
  } finally {
    await closeAll(servings)
    await rm(data, { recursive: true })
  }
})

import assert from 'node:assert/strict'
import { Phone } from '../../test/phone.ts'
import { type Scene, streamStory } from '../../test/stream-story.ts'
import { startTokenExchange } from '../sasl/ht.ts'
import { profile } from '../sasl/test-fixture.ts'
import { type Sql, sql } from '../storage/db.ts'
import type { ShownToken } from './token-login.ts'

const NONE = Buffer.alloc(0)

/** A phone of Romeo’s whose token was right, and not yet used. */
async function shows(scene: Scene): Promise<ShownToken> {
  const phone = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  const login = scene.world.host.tokens.login(phone.id)
  const device = scene.device()
  await startTokenExchange(phone.mechanism, login, {}, profile).step(Buffer.concat([Buffer.from('romeo\0'), phone.proof(device)]))
  return login.shown!
}

streamStory('a token that is revoked between being shown and being used is gone', async scene => {
  const { tokens } = scene.world.host
  for (const isLast of [true, false]) {
    const shown = await shows(scene)
    await tokens.revoke(shown.account, shown.client)
    assert.equal(await tokens.use(shown, undefined, isLast), 'gone')
  }
  const used = await shows(scene)
  assert.equal(await tokens.use(used, undefined, false), 'used')
  const inUse = { ...used, row: { ...used.row, slot: 'current' as const } }
  assert.equal(await tokens.use(inUse, undefined, false), 'used')
  await tokens.revoke(used.account, used.client)
  assert.equal(await tokens.use(inUse, undefined, false), 'gone')
})

streamStory('what a revoked client has shown before is worth nothing, and that of other clients what it was', async scene => {
  const { account, client } = await shows(scene)
  const { store, tokens } = scene.world.host
  const { revision } = store
  assert.equal(tokens.isOutdated('romeo', client, revision), false)
  await tokens.revoke(account, client)
  assert.equal(tokens.isOutdated('romeo', client, revision), true)
  assert.equal(tokens.isOutdated('romeo', client, store.revision), false)
  assert.equal(tokens.isOutdated('romeo', 'another', revision), false)
  assert.equal(tokens.isOutdated('juliet', client, revision), false)
  assert.equal(store.isOutdated('romeo', revision), false)
})

const meanwhile: readonly (readonly [string, Sql])[] = [
  ['the password was changed', sql`UPDATE account SET generation = generation + 1 WHERE name = 'romeo'`],
  ['another account has come to have the name', sql`UPDATE account SET seal_id = ${Buffer.alloc(16, 1)} WHERE name = 'romeo'`],
  ['the account was removed', sql`DELETE FROM account WHERE name = 'romeo'`],
]
for (const [title, change] of meanwhile) {
  streamStory(`no token is kept if ${title} while it was made`, async scene => {
    await scene.online('romeo')
    const { accounts, tokens } = scene.world.host
    const wish = {
      account: accounts.of('romeo'),
      client: 'client',
      mechanism: 'HT-SHA-256-NONE',
      binding: NONE,
      isOutdated: () => false,
    } as const
    assert.ok(await tokens.issue(wish))
    await scene.world.store.run(sql`DELETE FROM fast_token`)
    await scene.world.store.run(change)
    assert.equal(await tokens.issue(wish), undefined)
    assert.deepEqual(await tokens.clients(wish.account), [])
  })
}

streamStory('no token is made while the key that it shall open is locked', async scene => {
  const { accounts, tokens } = scene.world.host
  const account = accounts.of('romeo')
  await account.turn.take(() => undefined)
  const wish = { account, client: 'client', mechanism: 'HT-SHA-256-NONE', binding: NONE, isOutdated: () => false } as const
  assert.equal(await tokens.issue(wish), undefined)
})

import assert from 'node:assert/strict'
import { ask, hearId, JULIET, MAM, ROMEO, say } from '../../../test/archive-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

const TYBALT = 'tybalt@there.example'

const list = (name: string, jids: readonly string[]): string => `<${name}>${jids.map(jid => `<jid>${jid}</jid>`).join('')}</${name}>`
const prefs = (usual: string, always: readonly string[] = [], never: readonly string[] = []): string =>
  `<prefs xmlns="${MAM}" default="${usual}">${list('always', always)}${list('never', never)}</prefs>`

async function prefer(client: Client, wanted: string): Promise<void> {
  await client.sends(`<iq type="set" id="p1">${wanted}</iq>`)
  client.receives(`<iq type="result" id="p1">${wanted}</iq>`)
}

async function preferences(client: Client): Promise<void> {
  await client.sends(`<iq type="get" id="p2"><prefs xmlns="${MAM}"/></iq>`)
}

const from = (address: string, body: string): string => say(ROMEO, body).replace('<message ', `<message from="${address}" `)

story('XEP-0441 §2.1: users see what is archived for them, and change it', async world => {
  const romeo = await world.connect('romeo')
  await preferences(romeo)
  romeo.receives(`<iq type="result" id="p2">${prefs('always')}</iq>`)
  await prefer(romeo, prefs('roster', [TYBALT], [JULIET, 'mercutio@there.example/street']))
  await preferences(romeo)
  romeo.receives(`<iq type="result" id="p2">${prefs('roster', [TYBALT], [JULIET, 'mercutio@there.example/street'])}</iq>`)
  await prefer(romeo, `<prefs xmlns="${MAM}" default="never"/>`)
  await preferences(romeo)
  romeo.receives(`<iq type="result" id="p2">${prefs('never')}</iq>`)
})

story('XEP-0441 §2.1.1: never, always, or whose address is in the roster', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const kept = async (address: string, body: string): Promise<boolean> => {
    await world.arrives(from(address, body))
    romeo.forget()
    const isKept = (await ask(romeo)).bodies.includes(body)
    await romeo.sends(say(address, `re ${body}`))
    romeo.forget()
    juliet.forget()
    assert.equal((await ask(romeo)).bodies.includes(`re ${body}`), isKept, 'both directions alike')
    return isKept
  }
  await prefer(romeo, prefs('roster'))
  assert.equal(await kept(JULIET, '1'), false)
  await world.befriend(romeo, juliet)
  assert.equal(await kept(`${JULIET}/balcony`, '2'), true)
  await romeo.sends(say(ROMEO, 'note'))
  hearId(romeo, 'note')
  await prefer(romeo, prefs('never'))
  assert.equal(await kept(JULIET, '3'), false)
  await prefer(romeo, prefs('never', [JULIET]))
  assert.equal(await kept(`${JULIET}/balcony`, '4'), true)
  await prefer(romeo, prefs('always', [], [JULIET]))
  assert.equal(await kept(JULIET, '5'), false)
  assert.equal(await kept(TYBALT, '6'), true)
})

story('XEP-0441 §2.3.1: an address with a resource stands for that one alone', async world => {
  const romeo = await world.online('romeo')
  await prefer(romeo, prefs('always', [], [`${TYBALT}/street`]))
  await world.arrives(from(`${TYBALT}/street`, 'one'))
  await world.arrives(from(`${TYBALT}/home`, 'two'))
  romeo.forget()
  assert.deepEqual((await ask(romeo)).bodies, ['two'])
})

story('they hold while their owner is away, and after a restart; who is meant stands nowhere', async world => {
  const romeo = await world.online('romeo')
  await prefer(romeo, prefs('always', ['mercutio@there.example'], [TYBALT]))
  world.restarts()
  await world.arrives(from(TYBALT, 'one'))
  await world.arrives(from('mercutio@there.example', 'two'))
  const rows = [
    ...(await world.store.all<object>(sql`SELECT * FROM archive_preference`)),
    ...(await world.store.all<object>(sql`SELECT * FROM sealed_document`)),
  ]
  const text = rows
    .flatMap(row => Object.values(row))
    .map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join(' ')
  assert.doesNotMatch(text, /tybalt|mercutio|there/)
  const again = await world.connect('romeo')
  assert.deepEqual((await ask(again)).bodies, ['two'])
  await preferences(again)
  again.receives(`<iq type="result">${prefs('always', ['mercutio@there.example'], [TYBALT])}</iq>`)
})

story('with a secret that is lost nothing is archived until the owner has been there', async world => {
  const romeo = await world.online('romeo')
  await prefer(romeo, prefs('always', [], [TYBALT]))
  await world.shred.replaceAccount(world.host.keys.of(romeo.session.account)!.id, true)
  world.restarts()
  await world.arrives(from('mercutio@there.example', 'one'))
  const again = await world.online('romeo')
  assert.deepEqual((await ask(again)).bodies, [])
  await world.arrives(from('mercutio@there.example', 'two'))
  await world.arrives(from(TYBALT, 'three'))
  again.forget()
  assert.deepEqual((await ask(again)).bodies, ['two'])
})

story('after a new password they are as they were; after one from the operator they hold, but cannot be read', async world => {
  const romeo = await world.online('romeo')
  await prefer(romeo, prefs('always', [], [TYBALT]))
  await world.host.life.changePassword(romeo.session.account, 'another', romeo.session.jid)
  await preferences(romeo)
  romeo.receives(`<iq type="result">${prefs('always', [], [TYBALT])}</iq>`)
  await world.host.life.resetPassword('romeo', 'a third')
  await world.settled()
  const again = await world.connect('romeo', 'phone', 'a third')
  await world.arrives(from(TYBALT, 'one'))
  again.forget()
  assert.ok(!(await ask(again)).bodies.includes('one'))
  await preferences(again)
  again.receivesError('p2', 'item-not-found')
  await prefer(again, prefs('always'))
  await world.arrives(from(TYBALT, 'two'))
  again.forget()
  assert.ok((await ask(again)).bodies.includes('two'))
})

story(
  'what is no preference is refused, and what is too much',
  async world => {
    const romeo = await world.connect('romeo')
    for (const [wanted, condition] of [
      [`<prefs xmlns="${MAM}"/>`, 'bad-request'],
      [prefs('sometimes'), 'bad-request'],
      [prefs('always', ['@@']), 'jid-malformed'],
      [prefs('always', ['a@b.example', 'c@d.example'], ['e@f.example']), 'resource-constraint'],
    ] as const) {
      await romeo.sends(`<iq type="set" id="p1">${wanted}</iq>`)
      romeo.receivesError('p1', condition)
    }
  },
  { settings: { archive: { addresses: 2 } } },
)

story(
  'the operator decides what is archived for who has chosen nothing',
  async world => {
    const romeo = await world.online('romeo')
    await world.arrives(from(TYBALT, 'one'))
    romeo.forget()
    assert.deepEqual((await ask(romeo)).bodies, [])
    await preferences(romeo)
    romeo.receives(`<iq type="result">${prefs('roster')}</iq>`)
  },
  { settings: { archive: { usual: 'roster' } } },
)

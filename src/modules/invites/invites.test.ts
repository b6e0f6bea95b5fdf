import assert from 'node:assert/strict'
import { type Client, StoryStream, story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { invites, type Wanted } from './invites.ts'
import { registerUri, rosterUri } from './uri.ts'

const DAY = 86_400_000

const invite = (world: World, wanted: Wanted = {}) => world.host.apiOf(invites).create(wanted)

const preauth = (token: string): string =>
  `<iq type="set" id="p" to="here.example"><preauth xmlns="urn:xmpp:pars:0" token="${token}"/></iq>`

const account = (username: string, password = 'correct horse'): string =>
  `<iq type="set" id="r"><query xmlns="jabber:iq:register"><username>${username}</username><password>${password}</password></query></iq>`

/** A guest who has shown that token. */
async function guest(world: World, token: string): Promise<StoryStream> {
  const stream = new StoryStream(world.host)
  await stream.asks(preauth(token))
  return stream
}

const run = (node: string, inner = ''): string =>
  `<iq type="set" id="c" to="here.example"><command xmlns="http://jabber.org/protocol/commands" node="urn:xmpp:invite#${node}"${inner}</iq>`

/** Runs the command to invite a user; gives the fields of its result. */
async function invited(client: Client): Promise<Record<string, string>> {
  await client.sends(run('invite', ' action="execute"/>'))
  const answer = client.receives('<iq type="result" id="c"><command xmlns="http://jabber.org/protocol/commands" status="completed"/></iq>')
  const fields = answer.elements()[0]!.elements()[0]!.elements()
  return Object.fromEntries(fields.map(field => [field.attrs['var'], field.elements()[0]!.text]))
}

const registerFeatures = (world: World): string[] =>
  new StoryStream(world.host)
    .features()
    .filter(feature => feature.startsWith('register '))
    .sort()

const tokenOf = (uri: string): string => /preauth=([0-9a-f]+)/.exec(uri)![1]!

const rows = (world: World): Promise<unknown[]> => world.store.all(sql`SELECT * FROM invite`)

story('XEP-0445 §3: clients see before login that tokens are taken', async world => {
  assert.deepEqual(registerFeatures(world), [
    'register http://jabber.org/features/iq-register',
    'register urn:xmpp:ibr-token:0',
    'register urn:xmpp:invite',
  ])
})

story('XEP-0445 §4: with a token an account can be made, once', async world => {
  const { token, uri, expiresAt } = await invite(world)
  assert.equal(uri, `xmpp:here.example?register;preauth=${token}`)
  assert.equal(expiresAt, world.clock.now() + 7 * DAY)
  const stream = await guest(world, token)
  assert.equal(await stream.asks(account('juliet')), undefined)
  assert.equal(await world.host.store.exists('juliet'), true)
  await assert.rejects(guest(world, token), { condition: 'item-not-found' })
  assert.deepEqual(await rows(world), [])
})

story('XEP-0445 §4: an unknown or expired token is refused', async world => {
  for (const wrong of ['', 'x', '0'.repeat(32)]) {
    await assert.rejects(new StoryStream(world.host).asks(preauth(wrong)), { condition: 'item-not-found', type: 'cancel' })
  }
  await assert.rejects(new StoryStream(world.host).asks('<iq type="set" id="p"><preauth xmlns="urn:xmpp:pars:0"/></iq>'), {
    condition: 'item-not-found',
  })
  const { token } = await invite(world, { expiresIn: 1000 })
  await world.later(1000)
  await assert.rejects(guest(world, token), { condition: 'item-not-found' })
})

story('XEP-0445 §4: a token that was shown in time may be used later', async world => {
  const { token } = await invite(world, { expiresIn: 1000 })
  const stream = await guest(world, token)
  await world.later(60_000)
  await stream.asks(account('juliet'))
  assert.equal(await world.host.store.exists('juliet'), true)
})

story('XEP-0445 §4: a token is not used up by a registration that fails', async world => {
  await world.connect('romeo')
  const { token } = await invite(world)
  const stream = await guest(world, token)
  await assert.rejects(stream.asks(account('romeo')), { condition: 'conflict' })
  await assert.rejects(stream.asks(account('juliet', 'short')), { condition: 'not-acceptable' })
  await stream.asks(account('juliet'))
})

story('a stream has few tries', async world => {
  const stream = new StoryStream(world.host)
  for (let i = 0; i < 5; i++) await assert.rejects(stream.asks(preauth('wrong')), { condition: 'item-not-found' })
  const { token } = await invite(world)
  await assert.rejects(stream.asks(preauth(token)), { condition: 'policy-violation' })
})

story('of many guests with one token one gets an account', async world => {
  const { token } = await invite(world)
  const streams = await Promise.all(Array.from({ length: 100 }, () => guest(world, token)))
  const results = await Promise.allSettled(streams.map((stream, i) => stream.asks(account(`guest${i}`))))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.condition, 'not-allowed')
  assert.equal(await world.host.store.count(), 1)
})

story('XEP-0445 §5: a name in an invitation is reserved for its guest', async world => {
  const { token, uri } = await invite(world, { account: 'juliet' })
  assert.equal(uri, `xmpp:juliet@here.example?register;preauth=${token}`)
  assert.equal(await world.host.store.exists('juliet'), false)
  const other = await guest(world, (await invite(world)).token)
  await assert.rejects(other.asks(account('juliet')), { condition: 'conflict' })
  await other.asks(account('nurse'))
  const stream = await guest(world, token)
  await assert.rejects(stream.asks(account('tybalt')), { condition: 'not-acceptable' })
  await stream.asks(account('juliet'))
})

story('XEP-0445 §5: when the invitation has expired its name is free', async world => {
  await invite(world, { account: 'juliet', expiresIn: 1000 })
  await world.later(2000)
  await (await guest(world, (await invite(world)).token)).asks(account('juliet'))
})

story('the operator may replace an invitation for a name, a user may not', async world => {
  await world.connect('romeo')
  const { token } = await invite(world, { account: 'juliet' })
  await assert.rejects(invite(world, { account: 'juliet', inviter: 'romeo' }), { condition: 'conflict' })
  await invite(world, { account: 'juliet' })
  await assert.rejects(guest(world, token), { condition: 'item-not-found' })
})

story('a user cannot find out by invitations which of very many names are taken', async world => {
  await world.connect('romeo')
  const ask = () => invite(world, { account: 'romeo', inviter: 'romeo' })
  for (let i = 0; i < 20; i++) await assert.rejects(ask(), { condition: 'conflict' })
  await assert.rejects(ask(), { condition: 'resource-constraint' })
  await assert.rejects(invite(world, { account: 'romeo' }), { condition: 'conflict' }) // the operator
  await world.later(3_600_000)
  await assert.rejects(ask(), { condition: 'conflict' })
})

story('nobody is invited to a name that is taken or cannot be one', async world => {
  await world.connect('romeo')
  await assert.rejects(invite(world, { account: 'romeo' }), { condition: 'conflict' })
  for (const name of ['', 'Juliet', 'a b', 'x'.repeat(100)]) {
    await assert.rejects(invite(world, { account: name }), { condition: 'not-acceptable' })
  }
})

story('XEP-0401 §4.1: a user invites somebody, and they are contacts as soon as the account is made', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends('<iq type="get" id="g"><query xmlns="jabber:iq:roster"/></iq>')
  romeo.receives('<iq type="result" id="g"/>')
  const { uri = '', expire, FORM_TYPE } = await invited(romeo)
  assert.match(uri, /^xmpp:romeo@here\.example\?roster;preauth=[0-9a-f]{32};ibr=y$/)
  assert.equal(expire, '2026-01-08T00:00:00.000Z')
  assert.equal(FORM_TYPE, 'urn:xmpp:invite#invitation')
  await (await guest(world, tokenOf(uri))).asks(account('juliet'))
  // §4.5: a roster push tells the inviter
  romeo.receives('<iq type="set"><query xmlns="jabber:iq:roster"><item jid="juliet@here.example" subscription="both"/></query></iq>')
  const juliet = await world.connect('juliet')
  await juliet.sends('<iq type="get" id="g"><query xmlns="jabber:iq:roster"/></iq>')
  juliet.receives('<iq id="g"><query xmlns="jabber:iq:roster"><item jid="romeo@here.example" subscription="both"/></query></iq>')
  assert.deepEqual(await rows(world), [])
  romeo.forget()
})

story('XEP-0401 §4.4: an account is prepared with a form', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends(run('create-account', '/>'))
  const form = romeo.receives(`<iq type="result" id="c"><command xmlns="http://jabber.org/protocol/commands" status="executing">
    <actions execute="complete"><complete/></actions>
    <x xmlns="jabber:x:data" type="form"><field var="username" type="text-single"/><field var="roster-subscription" type="boolean"/></x></command></iq>`)
  const { sessionid } = form.elements()[0]!.attrs
  const submit = `<x xmlns="jabber:x:data" type="submit"><field var="username"><value>juliet</value></field></x>`
  await romeo.sends(run('create-account', ` sessionid="${sessionid}">${submit}</command>`))
  const answer = romeo.receives('<iq type="result" id="c"><command xmlns="http://jabber.org/protocol/commands" status="completed"/></iq>')
  assert.match(String(answer), /xmpp:juliet@here\.example\?register;preauth=/)
  await (await guest(world, tokenOf(String(answer)))).asks(account('juliet'))
  romeo.receivesNothing()
})

story(
  'a user may have some invitations open, and more when those have expired',
  async world => {
    const romeo = await world.online('romeo')
    await invited(romeo)
    await romeo.sends(run('invite', '/>'))
    romeo.receivesError('c', 'resource-constraint')
    await world.later(8 * DAY)
    await invited(romeo)
  },
  { settings: { invites: { quota: 1 } } },
)

story(
  'where users cannot invite, the commands are not for them',
  async world => {
    const romeo = await world.online('romeo')
    for (const node of ['invite', 'create-account']) {
      await romeo.sends(run(node, '/>'))
      romeo.receivesError('c', 'forbidden')
    }
  },
  { settings: { invites: { quota: 0 } } },
)

story(
  'XEP-0401 §4.1: where no accounts can be made, an invitation makes contacts and nothing else',
  async world => {
    assert.deepEqual(registerFeatures(world), [])
    const romeo = await world.online('romeo')
    const { uri = '' } = await invited(romeo)
    assert.match(uri, /^xmpp:romeo@here\.example\?roster;preauth=[0-9a-f]{32}$/)
    await assert.rejects(guest(world, tokenOf(uri)), { condition: 'service-unavailable' })
    await assert.rejects(invite(world), { condition: 'not-allowed' })
    await romeo.sends(run('create-account', '/>'))
    romeo.receivesError('c', 'forbidden')
  },
  { settings: { registration: { mode: 'closed' } } },
)

const subscribe = (token: string): string =>
  `<presence type="subscribe" to="romeo@here.example"><preauth xmlns="urn:xmpp:pars:0" token="${token}"/></presence>`

story('XEP-0379 §3.5: who asks with a valid token is let in, and asked in turn', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const { uri = '' } = await invited(romeo)
  await juliet.sends('<presence type="subscribed" to="romeo@here.example"/>') // §3.4: pre-approval
  juliet.forget()
  await juliet.sends(subscribe(tokenOf(uri)))
  for (const [client, other] of [
    [romeo, 'juliet'],
    [juliet, 'romeo'],
  ] as const) {
    client.forget()
    await client.sends('<iq type="get" id="g"><query xmlns="jabber:iq:roster"/></iq>')
    client.receives(`<iq id="g"><query xmlns="jabber:iq:roster"><item jid="${other}@here.example" subscription="both"/></query></iq>`)
  }
  assert.deepEqual(await rows(world), [])
})

story('XEP-0379 §4.1: a token that is not valid is as none, and left for the clients', async world => {
  const romeo = await world.online('romeo')
  const stale = tokenOf((await invited(romeo))['uri']!)
  await world.later(7 * DAY)
  await world.connect('mercutio')
  const elsewhere = (await invite(world, { inviter: 'mercutio' })).token
  const forAccount = (await invite(world, { inviter: 'romeo', isContact: false })).token
  for (const [i, token] of ['', 'unknown', stale, elsewhere, forAccount].entries()) {
    const guest = await world.online(`guest${i}`)
    await guest.sends(subscribe(token))
    guest.forget() // the push that says it has asked
    romeo.receives(
      `<presence type="subscribe" from="guest${i}@here.example"><preauth xmlns="urn:xmpp:pars:0" token="${token}"/></presence>`,
    )
  }
})

story('the database holds no token, and no invitation that is over', async world => {
  await world.connect('romeo')
  const { token } = await invite(world, { inviter: 'romeo' })
  assert.equal(JSON.stringify(await rows(world)).includes(token), false)
  await world.later(7 * DAY + 7_200_000)
  await world.settled()
  assert.deepEqual(await rows(world), [])
})

story('with an account go the invitations that it has made', async world => {
  await world.connect('romeo')
  await invite(world, { inviter: 'romeo' })
  await world.host.life.remove('romeo')
  assert.deepEqual(await rows(world), [])
  // nor does one come that it had asked for just before
  await assert.rejects(invite(world, { inviter: 'romeo' }), { condition: 'not-allowed' })
  assert.deepEqual(await rows(world), [])
})

story('RFC 5122 §2.2: what an address has beyond ASCII is escaped in a link', async () => {
  assert.equal(registerUri('bücher.example', 'a.b', 'T'), 'xmpp:a.b@b%C3%BCcher.example?register;preauth=T')
  assert.equal(rosterUri('here.example', 'a?b;c', 'T', true), 'xmpp:a%3Fb%3Bc@here.example?roster;preauth=T;ibr=y')
})

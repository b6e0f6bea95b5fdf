import assert from 'node:assert/strict'
import { type Client, type StoryOptions, StoryStream, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { mustBePassword } from './password.ts'

const open: StoryOptions = { settings: { registration: { mode: 'open' } } }

const query = (inner: string, attrs = 'type="set"'): string => `<iq id="r" ${attrs}><query xmlns="jabber:iq:register">${inner}</query></iq>`
const fields = (username: string, password = 'correct horse', attrs?: string): string =>
  query(`<username>${username}</username><password>${password}</password>`, attrs)
const form = (inner: string): string => query(`<x xmlns="jabber:x:data" type="submit">${inner}</x>`)

story(
  'XEP-0077 §3.1: a client learns what is needed, and makes an account',
  async world => {
    const stream = new StoryStream(world.host)
    assert.ok(stream.features().includes('register http://jabber.org/features/iq-register'))
    const asked = await stream.asks(query('', 'type="get"'))
    assert.deepEqual(
      asked!.elements().map(({ name }) => name),
      ['instructions', 'username', 'password', 'x'],
    )
    assert.equal(await stream.asks(fields('juliet')), undefined)
    const credential = await world.host.store.credential('juliet', 'SHA-256')
    assert.equal(credential!.storedKey.toString(), 'juliet:correct horse')
  },
  open,
)

story(
  'XEP-0077 §4: a form says the same',
  async world => {
    const stream = new StoryStream(world.host)
    const name = '<field var="username"><value>juliet</value></field>'
    await assert.rejects(stream.asks(form(name)), { condition: 'not-acceptable' })
    await stream.asks(form(`${name}<field var="password"><value>correct horse</value></field>`))
    assert.equal(await world.host.store.exists('juliet'), true)
  },
  open,
)

story(
  'XEP-0077 §3.1: a name that is taken is a conflict',
  async world => {
    await world.connect('juliet')
    await assert.rejects(new StoryStream(world.host).asks(fields('juliet')), { condition: 'conflict', type: 'cancel' })
    await assert.rejects(new StoryStream(world.host).asks(fields('JULIET')), { condition: 'conflict' })
  },
  open,
)

story(
  'of many who want a name at once one gets it',
  async world => {
    const wishes = Array.from({ length: 20 }, () => new StoryStream(world.host).asks(fields('juliet')))
    const results = await Promise.allSettled(wishes)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.condition, 'conflict')
  },
  open,
)

story(
  'XEP-0077 §3.1: what is missing or cannot be is not acceptable',
  async world => {
    const names = ['', ' ', 'a b', 'a@b', 'juliet/phone', '-x', 'x'.repeat(64), 'jülïet']
    const wrong = [query(''), query('<username>juliet</username>'), fields('juliet', ''), ...names.map(name => fields(name))]
    for (const xml of wrong) await assert.rejects(new StoryStream(world.host).asks(xml), { condition: 'not-acceptable', type: 'modify' })
    assert.equal(await world.host.store.count(), 0)
  },
  open,
)

story(
  'XEP-0077 §3.1.1: a client has few tries, and makes one account',
  async world => {
    const eager = new StoryStream(world.host, 2)
    for (let i = 0; i < 2; i++) await assert.rejects(eager.asks(fields('x x')), { condition: 'not-acceptable' })
    await assert.rejects(eager.asks(fields('juliet')), { condition: 'not-acceptable' })
    const stream = new StoryStream(world.host)
    await stream.asks(fields('romeo'))
    await assert.rejects(stream.asks(fields('paris')), { condition: 'not-acceptable' })
    assert.deepEqual(await world.host.store.list(), ['romeo'])
  },
  open,
)

story(
  'without invitations only so many accounts are made in an hour',
  async world => {
    await new StoryStream(world.host).asks(fields('romeo'))
    await assert.rejects(new StoryStream(world.host).asks(fields('juliet')), { condition: 'resource-constraint', type: 'wait' })
    await world.later(60 * 60_000)
    await new StoryStream(world.host).asks(fields('juliet'))
  },
  { settings: { registration: { mode: 'open', perHour: 1 } } },
)

story('usually an invitation is needed', async world => {
  await assert.rejects(new StoryStream(world.host).asks(query('', 'type="get"')), { condition: 'not-allowed' })
  await assert.rejects(new StoryStream(world.host).asks(fields('juliet')), { condition: 'not-allowed' })
})

story(
  'XEP-0077 §3.1: where accounts are not made this way the service is unavailable',
  async world => {
    const stream = new StoryStream(world.host)
    assert.equal(stream.features().join().includes('register'), false)
    await assert.rejects(stream.asks(query('', 'type="get"')), { condition: 'service-unavailable' })
    await assert.rejects(stream.asks(fields('juliet')), { condition: 'service-unavailable' })
  },
  { settings: { registration: { mode: 'closed' } } },
)

story('XEP-0077 §3.1: who has an account is told so, and never the password', async world => {
  const romeo = await world.online('romeo')
  for (const to of ['', 'to="here.example"', 'to="romeo@here.example"']) {
    await romeo.sends(query('', `type="get" ${to}`))
    const answer = romeo.receives(
      '<iq type="result" id="r"><query xmlns="jabber:iq:register"><registered/><username>romeo</username></query></iq>',
    )
    assert.match(String(answer), /<password\/>/)
  }
})

const verifier = async (client: Client): Promise<string | undefined> => {
  const { host } = client.world
  return (await host.store.credential(client.session.account.name, 'SHA-256'))?.storedKey.toString()
}

story('XEP-0077 §3.3: a user changes the password, and the other sessions end', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.online('romeo', 'laptop')
  phone.forget()
  await phone.sends(fields('romeo', 'a new password', 'type="set" to="here.example"'))
  phone.receivesAll('<iq type="result" id="r"/>', '<presence type="unavailable" from="romeo@here.example/laptop"/>')
  assert.equal(await verifier(phone), 'romeo:a new password')
  assert.ok(laptop.ended)
  assert.equal(phone.ended, undefined)
  await phone.sends(fields('romeo', 'another password'))
  phone.receives('<iq type="result" id="r"/>')
  assert.equal(await verifier(phone), 'romeo:another password')
  laptop.forget()
})

story('XEP-0077 §3.3: a change that says too little changes nothing', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends(fields('romeo', 'a new password'))
  romeo.receives('<iq type="result" id="r"/>')
  for (const [inner, condition] of [
    ['<username>romeo</username><password/>', 'bad-request'],
    ['<password>correct horse</password>', 'bad-request'],
    ['', 'bad-request'],
    ['<username>juliet</username><password>correct horse</password>', 'not-allowed'],
    ['<username>romeo</username><password>short</password>', 'not-acceptable'],
    ['<username>romeo</username><password>correct horse</password><remove/>', 'bad-request'],
  ] as const) {
    await romeo.sends(query(inner, 'type="set" to="here.example"'))
    const answer = romeo.unread[0]!
    romeo.receivesError('r', condition)
    // §3.3: errors do not repeat the password
    assert.equal(String(answer).includes('horse'), false)
  }
  assert.equal(await verifier(romeo), 'romeo:a new password')
})

story('an account changes its password ten times in an hour at most, for each time costs the server much', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  for (let i = 0; i < 10; i++) {
    await romeo.sends(fields('romeo', `password ${i}`, i % 2 === 0 ? 'type="set" to="here.example"' : undefined))
    romeo.receives('<iq type="result" id="r"/>')
  }
  await romeo.sends(fields('romeo', 'one too many'))
  romeo.receivesError('r', 'resource-constraint')
  assert.equal(await verifier(romeo), 'romeo:password 9')
  await juliet.sends(fields('juliet', 'her own affair'))
  juliet.receives('<iq type="result" id="r"/>')
  await world.later(60 * 60_000)
  await romeo.sends(fields('romeo', 'an hour later'))
  romeo.receives('<iq type="result" id="r"/>')
})

story('the account of someone else is not touched', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  for (const inner of ['<username>juliet</username><password>correct horse</password>', '<remove/>']) {
    await romeo.sends(query(inner, 'type="set" to="juliet@here.example"'))
    romeo.receivesError('r', 'service-unavailable')
  }
  assert.equal(juliet.ended, undefined)
  assert.equal(await world.host.store.exists('juliet'), true)
  await world.arrives(
    '<iq type="set" id="x" from="romeo@elsewhere.example/x" to="here.example"><query xmlns="jabber:iq:register"><remove/></query></iq>',
  )
  assert.deepEqual(await world.host.store.list(), ['juliet', 'romeo'])
})

for (const to of ['', 'to="here.example"']) {
  story(
    `XEP-0077 §3.2: a user removes the account${to && ' at the server’s address'}: it is gone when the answer comes, then its streams end`,
    async world => {
      const phone = await world.online('romeo', 'phone')
      const laptop = await world.online('romeo', 'laptop')
      const juliet = await world.online('juliet')
      await juliet.sends('<iq type="get" id="g"><query xmlns="jabber:iq:roster"/></iq>') // from now on it hears of subscriptions
      await world.befriend(phone, juliet)
      await phone.sends(query('<remove/>', `type="set" ${to}`))
      phone.receivesAll('<iq type="result" id="r"/>')
      for (const client of [phone, laptop]) {
        assert.equal(typeof client.ended === 'object' && client.ended.condition, 'not-authorized')
        client.forget()
      }
      assert.deepEqual(await world.host.store.list(), ['juliet'])
      // its contacts lose it
      await world.settled()
      juliet.receivesAll(
        '<presence type="unavailable" from="romeo@here.example/phone"/>',
        '<presence type="unsubscribe" from="romeo@here.example"/>',
        '<presence type="unsubscribed" from="romeo@here.example"/>',
      )
      juliet.forget()
    },
  )
}

story('what a client sends behind the removal of its account leaves nothing to the next one of that name', async world => {
  const late = [
    '<iq type="set" id="l"><vCard xmlns="vcard-temp"><FN>x</FN></vCard></iq>',
    '<iq type="set" id="l"><query xmlns="jabber:iq:private"><x xmlns="y">z</x></query></iq>',
    '<iq type="set" id="l"><query xmlns="jabber:iq:roster"><item jid="tybalt@here.example"/></query></iq>',
    '<iq type="set" id="l"><block xmlns="urn:xmpp:blocking"><item jid="nurse@here.example"/></block></iq>',
    '<presence type="subscribed" to="tybalt@here.example"/>',
  ]
  const devices: Client[] = []
  for (const i of late.keys()) devices.push(await world.connect('romeo', `device${i}`))
  const all = [devices[0]!.sends(query('<remove/>')), ...late.map((xml, i) => devices[i]!.sends(xml))]
  await Promise.all(all)
  for (const device of devices) device.forget()
  for (const table of [sql`vcard`, sql`sealed_document`, sql`roster_item`, sql`blocked`]) {
    assert.deepEqual(await world.store.all(sql`SELECT account FROM ${table}`), [])
  }
})

story('XEP-0077 §6: discovery says that accounts are made here', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends('<iq type="get" id="d" to="here.example"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  romeo.receives('<iq id="d"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="jabber:iq:register"/></query></iq>')
})

story('a password is no secret if it is short, long, cannot be typed, or is the name', async () => {
  const isFit = (password: string): boolean => {
    try {
      mustBePassword(password, 'juliet-capulet', 'here.example', 8)
      return true
    } catch {
      return false
    }
  }
  for (const bad of [
    '',
    'seven77',
    '😀'.repeat(7),
    'x'.repeat(1025),
    'tab\there is',
    'juliet-capulet',
    'Juliet-Capulet',
    'here.example',
    'juliet-capulet@here.example',
  ]) {
    assert.equal(isFit(bad), false)
  }
  for (const good of ['eight888', 'correct horse', 'ein schöner Satz']) assert.equal(isFit(good), true)
})

import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'
import { commands } from './commands.ts'

const NS = 'http://jabber.org/protocol/commands'
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const HOST = 'here.example'

/** A command of the host for Romeo, in two steps, and one of each account without any. */
function addCommands(world: World): void {
  const { add } = world.host.apiOf(commands)
  add({
    who: 'host',
    node: 'config',
    name: 'Configure',
    isAllowed: from => from.local === 'romeo',
    run: () => ({
      title: 'Configure a service',
      fields: [{ var: 'service', type: 'list-single', isRequired: true, options: [{ value: 'httpd' }, { value: 'jabberd' }] }],
      hasNext: true,
      answer: service => ({
        fields: [{ var: 'state', type: 'boolean' }],
        answer: state => ({ note: `${service.text('service')} is ${state.boolean('state')}` }),
      }),
    }),
  })
  add({
    who: 'account',
    node: 'count',
    name: 'Count',
    run: ({ account }) => ({ note: `${account.sessions.size} device`, noteType: 'warn' }),
  })
}

interface Asked {
  readonly sessionid?: string
  readonly action?: string
  readonly to?: string
  readonly form?: string
}

async function execute(client: Client, node: string, { to = HOST, form = '', ...attrs }: Asked = {}): Promise<void> {
  const more = Object.entries(attrs).map(([name, value]) => `${name}="${value}"`)
  const x = form && `<x xmlns="jabber:x:data" type="submit">${form}</x>`
  await client.sends(`<iq type="set" id="c1" to="${to}"><command xmlns="${NS}" node="${node}" ${more.join(' ')}>${x}</command></iq>`)
}
const field = (name: string, value: string): string => `<field var="${name}"><value>${value}</value></field>`
const result = (attrs: string, children = ''): string =>
  `<iq type="result" id="c1"><command xmlns="${NS}" ${attrs}>${children}</command></iq>`
const sessionOf = (iq: Element): string => iq.first()!.attrs['sessionid']!
const ask = (ns: string, node: string, to = HOST): string => `<iq type="get" id="d1" to="${to}"><query xmlns="${ns}" node="${node}"/></iq>`

/** Begins the command with steps, and gives its session. */
async function begin(client: Client): Promise<string> {
  await execute(client, 'config')
  return sessionOf(client.receives(result('status="executing"')))
}

function receivesRefusal(client: Client, condition: string, specific: string): void {
  client.receives(
    `<iq type="error" id="c1"><error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><${specific} xmlns="${NS}"/></error></iq>`,
  )
}

story('XEP-0050 §2.2: the list shows the commands that one may run', async world => {
  addCommands(world)
  const romeo = await world.connect('romeo')
  const juliet = await world.connect('juliet')
  await romeo.sends(ask(INFO, NS))
  romeo.receives(`<iq type="result"><query xmlns="${INFO}" node="${NS}"><identity category="automation" type="command-list"/></query></iq>`)
  await romeo.sends(ask(ITEMS, NS))
  romeo.receives(`<iq type="result"><query xmlns="${ITEMS}"><item jid="${HOST}" node="config" name="Configure"/></query></iq>`)
  await romeo.sends(ask(INFO, 'config'))
  romeo.receives(`<iq type="result"><query xmlns="${INFO}" node="config"><identity category="automation" type="command-node" name="Configure"/>
    <feature var="${NS}"/><feature var="jabber:x:data"/></query></iq>`)

  await juliet.sends(ask(ITEMS, NS))
  assert.ok(!String(juliet.receives('<iq type="result"/>')).includes('config'))
  await juliet.sends(ask(INFO, 'config'))
  juliet.receivesError('d1', 'forbidden')
  await juliet.sends(ask(ITEMS, NS, 'juliet@here.example'))
  juliet.receives(`<iq type="result"><query xmlns="${ITEMS}"><item jid="juliet@here.example" node="count" name="Count"/></query></iq>`)
})

story('XEP-0050 §2.4.1: a command without steps is done at once', async world => {
  addCommands(world)
  const romeo = await world.connect('romeo')
  await execute(romeo, 'count', { to: 'romeo@here.example' })
  romeo.receives(result('node="count" status="completed" sessionid="*"', '<note type="warn">1 device</note>'))
})

story('XEP-0050 §2.4.2: a command goes from form to form', async world => {
  addCommands(world)
  const romeo = await world.connect('romeo')
  await execute(romeo, 'config')
  const first = romeo.receives(
    result(
      'node="config" status="executing"',
      '<actions execute="next"><next/></actions><x xmlns="jabber:x:data" type="form"><field var="service" type="list-single"/></x>',
    ),
  )
  const sessionid = sessionOf(first)
  await execute(romeo, 'config', { sessionid, form: field('service', 'httpd') })
  romeo.receives(result(`status="executing" sessionid="${sessionid}"`, '<actions execute="complete"><prev/><complete/></actions>'))
  await execute(romeo, 'config', { sessionid, action: 'complete', form: field('state', 'true') })
  romeo.receives(result('status="completed"', '<note type="info">httpd is true</note>'))
  await execute(romeo, 'config', { sessionid, form: field('state', 'true') })
  receivesRefusal(romeo, 'not-allowed', 'session-expired')
})

story('XEP-0050 §2.4.2: one can go back', async world => {
  addCommands(world)
  const romeo = await world.connect('romeo')
  const sessionid = await begin(romeo)
  await execute(romeo, 'config', { sessionid, action: 'prev' })
  receivesRefusal(romeo, 'bad-request', 'bad-action')
  await execute(romeo, 'config', { sessionid, action: 'next', form: field('service', 'httpd') })
  romeo.receives(result('status="executing"'))
  await execute(romeo, 'config', { sessionid, action: 'prev' })
  romeo.receives(result('status="executing"', '<actions execute="next"><next/></actions>'))
  await execute(romeo, 'config', { sessionid, form: field('service', 'jabberd') })
  romeo.receives(result('status="executing"'))
  await execute(romeo, 'config', { sessionid, form: field('state', '0') })
  romeo.receives(result('status="completed"', '<note>jabberd is false</note>'))
})

story('XEP-0050 §2.4.3: a command can be canceled', async world => {
  addCommands(world)
  const romeo = await world.connect('romeo')
  const sessionid = await begin(romeo)
  await execute(romeo, 'config', { sessionid, action: 'cancel' })
  romeo.receives(result(`node="config" sessionid="${sessionid}" status="canceled"`))
  await execute(romeo, 'config', { sessionid })
  receivesRefusal(romeo, 'not-allowed', 'session-expired')
})

story('XEP-0050 §4.4: what cannot be is refused, and the form stays open', async world => {
  addCommands(world)
  const romeo = await world.connect('romeo')
  const sessionid = await begin(romeo)
  await execute(romeo, 'config', { sessionid, action: 'dance' })
  receivesRefusal(romeo, 'bad-request', 'malformed-action')
  await execute(romeo, 'config', { sessionid, action: 'complete', form: field('service', 'httpd') })
  receivesRefusal(romeo, 'bad-request', 'bad-action')
  await execute(romeo, 'config', { action: 'next' })
  receivesRefusal(romeo, 'bad-request', 'bad-action')
  for (const form of ['', field('service', 'ftpd'), field('state', 'true')]) {
    await execute(romeo, 'config', { sessionid, form })
    receivesRefusal(romeo, 'bad-request', 'bad-payload')
  }
  await execute(romeo, 'unknown')
  romeo.receivesError('c1', 'item-not-found')
  await execute(romeo, 'config', { sessionid, form: field('service', 'httpd') })
  romeo.receives(result('status="executing"'))
})

story('XEP-0050 §3.3: a session belongs to the client that began it', async world => {
  addCommands(world)
  const phone = await world.connect('romeo', 'phone')
  const laptop = await world.connect('romeo', 'laptop')
  const sessionid = await begin(phone)
  await execute(laptop, 'config', { sessionid, form: field('service', 'httpd') })
  receivesRefusal(laptop, 'not-allowed', 'session-expired')
})

story('who is not allowed runs nothing, and nobody runs what is another account’s', async world => {
  addCommands(world)
  const juliet = await world.connect('juliet')
  await world.connect('romeo')
  await execute(juliet, 'config')
  juliet.receivesError('c1', 'forbidden')
  for (const account of ['romeo', 'nobody']) {
    await execute(juliet, 'count', { to: `${account}@here.example` })
    juliet.receivesError('c1', 'service-unavailable')
  }
})

story(
  'a command that nobody goes on with ends by itself',
  async world => {
    addCommands(world)
    const romeo = await world.connect('romeo')
    const sessionid = await begin(romeo)
    await world.later(60_001)
    await execute(romeo, 'config', { sessionid, form: field('service', 'httpd') })
    receivesRefusal(romeo, 'not-allowed', 'session-expired')
  },
  { settings: { commands: { lifetime: '1m' } } },
)

story(
  'of too many commands of an account the oldest ends, whichever of its clients began it',
  async world => {
    addCommands(world)
    const phone = await world.connect('romeo', 'phone')
    const laptop = await world.connect('romeo', 'laptop')
    const [first, second] = [await begin(phone), await begin(phone)]
    await begin(laptop)
    await execute(phone, 'config', { sessionid: first!, action: 'cancel' })
    receivesRefusal(phone, 'not-allowed', 'session-expired')
    await execute(phone, 'config', { sessionid: second!, action: 'cancel' })
    phone.receives(result('status="canceled"'))
  },
  { settings: { commands: { perAccount: 2 } } },
)

story(
  'all clients together can begin only so many commands',
  async world => {
    addCommands(world)
    const romeo = await world.connect('romeo')
    const [first] = [await begin(romeo), await begin(romeo)]
    await execute(romeo, 'config')
    romeo.receivesError('c1', 'resource-constraint')
    await execute(romeo, 'config', { sessionid: first!, action: 'cancel' })
    romeo.receives(result('status="canceled"'))
    await begin(romeo)
  },
  { settings: { commands: { most: 2 } } },
)

story('two commands of one name stop the start', async world => {
  addCommands(world)
  assert.throws(() => addCommands(world), /two commands config/)
})

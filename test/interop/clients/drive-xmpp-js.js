/** @xmpp/client, told by lines what to do. It knows SCRAM-SHA-1 and PLAIN, SASL2 with Bind2 and tokens, and the older profile. */
import { client, xml } from '@xmpp/client'
import { archiveCommands, described } from './archive-xmpp-js.js'
import { obey, tell, wire } from './lines.js'

const Cam = 'urn:xmpp:cam:0'
const Carbons = 'urn:xmpp:carbons:2'
const Sasl2 = 'urn:xmpp:sasl:2'
const { jid, password, service, mechanism, token, isOldProfile } = JSON.parse(process.argv[2])
const [username, domain] = jid.split('@')
let used
let profile = 'SASL'
// It is the same client each time that it logs in, and only then has its token.
const userAgent = xml('user-agent', { id: crypto.randomUUID() }, xml('software', {}, '@xmpp/client'))

const xmpp = client({
  service,
  domain,
  resource: 'xmpp-js',
  credentials: async (authenticate, mechanisms, fast) => {
    if (token !== undefined) await register()
    await authenticate({ username, password, token: await fast?.fetch() }, mechanism ?? mechanisms[0], userAgent)
  },
})
// The test decides when the client comes back.
xmpp.reconnect.stop()
// It asks for acknowledgements soon: a test does not wait half a minute.
xmpp.streamManagement.requestAckDebounce = 20
xmpp.timeout = 10_000

// What the client does not see, it cannot choose.
xmpp.prependListener('element', element => {
  if (isOldProfile && element.is('features')) element.children = element.children.filter(child => child.name !== 'authentication')
  if (element.is('success')) profile = element.is('success', Sasl2) ? 'SASL2' : 'SASL'
})
xmpp.on('element', element => wire('<<', element.toString()))
xmpp.on('send', element => {
  if (element.is('auth') || element.is('authenticate')) used = element.attrs.mechanism
  wire('>>', element.toString())
})
// Among its errors are requests that it does not know and answers as it should, and broken connections, told by `disconnect`.
const isRefusal = error => error.condition !== undefined && error.name !== 'StanzaError'
xmpp.on('error', error => isRefusal(error) && tell('failed', { command: 'connection', reason: `${error.condition} ${error.message}` }))
xmpp.on('disconnect', () => tell('lost'))
xmpp.on('offline', () => tell('closed'))
xmpp.streamManagement.on('resumed', () => tell('resumed'))
xmpp.on('online', async address => {
  // Only who has asked for the roster is told of subscriptions (RFC 6121 §2.2).
  await request('get', xml('query', { xmlns: 'jabber:iq:roster' }))
  tell('online', { jid: String(address), mechanism: used, profile, tls: xmpp.socket?.socket?.getProtocol?.() })
})
xmpp.on('stanza', stanza => {
  const { from, type } = stanza.attrs
  if (stanza.is('presence')) tell('presence', { from, type: type ?? 'available' })
  if (!stanza.is('message')) return
  const carbon = stanza.getChild('sent', Carbons) ?? stanza.getChild('received', Carbons)
  const message = carbon?.getChild('forwarded', 'urn:xmpp:forward:0').getChild('message') ?? stanza
  if (message.getChild('body')) tell('message', { ...described(message, jid), carbon: carbon?.name })
})

obey({
  connect: () => xmpp.start(),
  reconnect: () => xmpp.reconnect.reconnect(),
  send: async ({ to, bodies }) => {
    await xmpp.sendMany(bodies.map(body => xml('message', { to, type: 'chat', id: crypto.randomUUID() }, xml('body', {}, body))))
    tell('sent')
  },
  presence: ({ to, type }) => xmpp.send(xml('presence', { to, type })),
  clients: async () => {
    const { children } = await answer('get', xml('list', { xmlns: Cam }))
    tell('clients', { clients: children[0].getChildren('client').map(({ attrs }) => attrs) })
  },
  revoke: async ({ id }) => {
    const { children } = await answer('set', xml('revoke', { xmlns: Cam, id }))
    tell('revoked', { conditions: children.flatMap(error => error.children.map(({ name }) => name)) })
  },
  carbons: async () => {
    await request('set', xml('enable', { xmlns: Carbons }))
    tell('carbons')
  },
  close: () => xmpp.stop(),
  ...archiveCommands(xmpp, jid, request, tell),
})

/** Not by the client's own means: it forgets to count the answers to those for stream management. */
async function answer(type, payload, to) {
  const id = crypto.randomUUID()
  const { promise: answered, resolve } = Promise.withResolvers()
  const listen = stanza => stanza.attrs.id === id && resolve(stanza)
  xmpp.on('stanza', listen)
  await xmpp.send(xml('iq', { type, id, to }, payload))
  return answered.finally(() => xmpp.off('stanza', listen))
}

/** Gives the payload of the answer. */
async function request(type, payload, to) {
  const { attrs, children } = await answer(type, payload, to)
  if (attrs.type !== 'result') throw new Error(`${payload.name} was refused: ${children}`)
  return children[0]
}

/** XEP-0445 and XEP-0077 before login; the client has neither, so it is given the stanzas. */
async function register() {
  await xmpp.iqCaller.request(xml('iq', { type: 'set', to: domain }, xml('preauth', { xmlns: 'urn:xmpp:pars:0', token })))
  const fields = [xml('username', {}, username), xml('password', {}, password)]
  await xmpp.iqCaller.request(xml('iq', { type: 'set', to: domain }, xml('query', { xmlns: 'jabber:iq:register' }, ...fields)))
  tell('registered')
}

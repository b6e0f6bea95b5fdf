/** stanza, told by lines what to do. It speaks WebSocket only, with SCRAM-SHA-256 at best. */
import { setImmediate } from 'node:timers/promises'
import { createClient, JXT } from 'stanza'
import { obey, tell, wire } from './lines.js'

const { jid, password, service, mechanism, token, hostMeta } = JSON.parse(process.argv[2])
const [username, domain] = jid.split('@')
let isRegistered = token === undefined
let used

// Where its host-meta is known, the client finds the address itself.
const client = createClient({
  jid,
  password,
  resource: 'stanza',
  transports: { websocket: service ?? false, bosh: false },
  autoReconnect: false,
})
client.stanzas.define({ element: 'preauth', namespace: 'urn:xmpp:pars:0', path: 'iq.preauth', fields: { token: JXT.attribute('token') } })
if (mechanism !== undefined) client.sasl.mechanisms = client.sasl.mechanisms.filter(({ name }) => name === mechanism)

client.getCredentials = async () => {
  if (!isRegistered) {
    isRegistered = true
    await client.sendIQ({ type: 'set', to: domain, preauth: { token } })
    await client.sendIQ({ type: 'set', to: domain, account: { username, password } })
    tell('registered')
  }
  return { ...client.config.credentials, username, password, host: domain, serverName: domain, realm: domain }
}

client.on('raw:incoming', xml => wire('<<', xml))
client.on('raw:outgoing', xml => {
  wire('>>', xml)
  used = /<auth .*?mechanism="([^"]+)"/.exec(xml)?.[1] ?? used
})
client.on('session:started', async () => {
  // Only who has asked for the roster is told of subscriptions (RFC 6121 §2.2).
  await client.getRoster()
  tell('online', { jid: client.jid, mechanism: used, profile: 'SASL' })
})
client.on('stream:management:resumed', () => tell('resumed'))
client.on('auth:failed', () => tell('failed', { command: 'connect', reason: 'not-authorized' }))
client.on('stream:error', error => tell('failed', { command: 'connection', reason: error.condition }))
client.on('disconnected', () => tell(client.sessionTerminating ? 'closed' : 'lost'))
client.on('presence', ({ from, type }) => tell('presence', { from, type: type ?? 'available' }))
let unwrapped
client.on('message', ({ from, to, body, carbon }) => {
  // The client shows a message within a carbon once more, as if it had come by itself.
  if (carbon !== undefined) unwrapped = carbon.forward.message
  else if (body !== undefined && unwrapped?.body !== body) tell('message', { from, to, body })
})
for (const kind of ['sent', 'received']) {
  client.on(`carbon:${kind}`, ({ carbon }) => {
    const { from, to, body } = carbon.forward.message
    tell('message', { from, to, body, carbon: kind })
  })
}

// On a broken connection it asks for acknowledgements without looking whether it could.
process.on('unhandledRejection', error => wire('!!', String(error)))

obey({
  connect: async () => {
    if (hostMeta !== undefined) client.config.transports.websocket = (await client.discoverBindings(hostMeta)).websocket[0]
    await client.connect()
  },
  reconnect: () => client.connect(),
  send: async ({ to, bodies }) => {
    for (const body of bodies) client.sendMessage({ to, type: 'chat', body })
    // A connection that breaks while the client is still writing makes it wait for ever.
    while (!client.outgoingDataQueue.idle()) await setImmediate()
    tell('sent')
  },
  presence: ({ to, type }) => client.sendPresence({ to, type }),
  carbons: async () => {
    await client.enableCarbons()
    tell('carbons')
  },
  close: async () => {
    // XEP-0198 §4: recommended, but the client does not do it of itself.
    await client.transport.send('sm', { type: 'ack', handled: client.sm.handled })
    client.disconnect()
  },
})

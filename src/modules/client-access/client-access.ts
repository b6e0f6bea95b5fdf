// XEP-0494: Client Access Management

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import { clientNamed } from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { StanzaError, StreamError } from '../../xmpp/error.ts'
import { commands } from '../commands/commands.ts'
import { type AccountClient, clientsOf } from './clients.ts'
import { clientCommands } from './command-list.ts'
import { type ClientName, type ClientNames, NameStore } from './names.ts'

type Names =
  | 'list'
  | 'clients'
  | 'client'
  | 'last-seen'
  | 'auth'
  | 'password'
  | 'fast'
  | 'permission'
  | 'user-agent'
  | 'software'
  | 'device'
const Cam = namespace<Names | 'revoke' | 'password-reset-required'>('urn:xmpp:cam:0')

const DAY = 86_400_000
/** Whatever else has the password: of clients that come and go with it nothing is kept. */
const PASSWORD_ID = 'password'

export const clientAccess = defineModule({
  name: 'client-access',
  about: 'Users see which of their clients are logged in or have a token, and end that.',
  xeps: [
    xep(
      494,
      '0.1.0',
      'complete',
      'of when a client was there no more than that it is there now; a revoked one is told to know the password',
    ),
  ],
  features: [Cam.uri],
  accountFeatures: [Cam.uri],
  needs: { commands },

  setup({ clock, documents, end, iq, keys, needs, on, tokens }) {
    const store = new NameStore(documents)

    iq.self.get(Cam, 'list', async ({ account }) => {
      const clients = await clientsOf(account, tokens)
      const names = await namesOf(account, clients)
      const today = writeDateTime(clock.now() - (clock.now() % DAY))
      return Cam('clients', {}, ...clients.map(client => clientElement(client, names, today)), PASSWORD)
    })

    iq.self.set(Cam, 'revoke', async ({ account, payload, session }) => {
      await revoke(account, payload.attrs['id'] ?? '', session)
      // XEP-0494 §3.2: who has a token has had the password, and may have kept it.
      throw new StanzaError('service-unavailable', 'It is logged out, but it may know your password: to keep it out, change that.', {
        extra: Cam('password-reset-required'),
      })
    })

    on(clientNamed, async function rememberName({ account, client, software, device }) {
      if (keys.of(account)?.isOpen !== true) return
      const names = await store.read(account)
      const former = names?.get(client)
      if (names === undefined || (former?.software === software && former?.device === device)) return
      const known = new Set((await clientsOf(account, tokens)).map(each => each.client))
      const kept = [...names].filter(([other]) => known.has(other))
      await store.write(account, new Map([...kept, [client, { software, device }]]))
    })

    for (const command of clientCommands({ list, revoke, store })) needs.commands.add(command)

    async function list(account: Account): Promise<{ client: AccountClient; name: ClientName | undefined }[]> {
      const clients = await clientsOf(account, tokens)
      const names = await namesOf(account, clients)
      return clients.map(client => ({ client, name: names?.get(client.client ?? '') }))
    }

    /** Forgets those of clients that are gone. */
    async function namesOf(account: Account, clients: readonly AccountClient[]): Promise<ClientNames | undefined> {
      const names = await store.read(account)
      if (names === undefined) return undefined
      const kept = new Map([...names].filter(([client]) => clients.some(each => each.client === client)))
      if (kept.size < names.size) await store.write(account, kept)
      return kept
    }

    /** The tokens of a client are worth nothing any more, and its sessions end, but for the one that asks. */
    async function revoke(account: Account, id: string, by: Session): Promise<void> {
      if (id === PASSWORD_ID) return
      const found = (await clientsOf(account, tokens)).find(client => client.id === id)
      if (found === undefined) throw new StanzaError('item-not-found')
      if (found.client !== undefined) await tokens.revoke(account, found.client)
      for (const session of found.sessions) if (session !== by) end(session, new StreamError('not-authorized', 'access was revoked'))
    }
  },
})

const UNRESTRICTED = Cam('permission', { status: 'unrestricted' })
const PASSWORD = Cam(
  'client',
  { id: PASSWORD_ID, type: 'access', connected: 'false' },
  Cam('auth', {}, Cam('password')),
  UNRESTRICTED,
  Cam('user-agent', {}, Cam('software', {}, 'Whoever knows the password')),
)

function clientElement({ id, client, sessions, hasToken }: AccountClient, names: ClientNames | undefined, today: string): Element {
  const isConnected = sessions.length > 0
  return Cam(
    'client',
    { id, type: 'session', connected: String(isConnected) },
    ...(isConnected ? [Cam('last-seen', {}, today)] : []),
    Cam('auth', {}, Cam('password'), ...(hasToken ? [Cam('fast')] : [])),
    UNRESTRICTED,
    ...agentElement(names?.get(client ?? '')),
  )
}

function agentElement(name: ClientName | undefined): Element[] {
  if (name === undefined) return []
  const { software, device } = name
  return [
    Cam(
      'user-agent',
      {},
      ...(software === undefined ? [] : [Cam('software', {}, software)]),
      ...(device === undefined ? [] : [Cam('device', {}, device)]),
    ),
  ]
}

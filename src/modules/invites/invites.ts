// XEP-0379: Pre-Authenticated Roster Subscription
// XEP-0401: Ad-hoc Account Invitation Generation
// XEP-0445: Pre-Authenticated In-Band Registration

import { createHash, randomBytes } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import { AccountStore } from '../../core/account-store.ts'
import { defineModule, xep } from '../../core/module.ts'
import { accountRemoved, presenceIn } from '../../core/points.ts'
import type { UnboundStream } from '../../core/stream-registry.ts'
import { limited } from '../../lib/limited.ts'
import { count, duration } from '../../lib/settings.ts'
import type { Db } from '../../storage/db.ts'
import { namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { isAccountName } from '../../xmpp/precis/account-name.ts'
import { Client } from '../../xmpp/stanza.ts'
import { commands } from '../commands/commands.ts'
import { roster } from '../roster/roster.ts'
import { InviteCommands, inviteCommands } from './command-list.ts'
import { type Invite, InviteStore, migrations } from './store.ts'
import { registerUri, rosterUri } from './uri.ts'

export type { Invite } from './store.ts'

const Pars = namespace<'preauth'>('urn:xmpp:pars:0')
const IbrToken = namespace<'register'>('urn:xmpp:ibr-token:0')

const HOUR = 60 * 60_000
const SWEEP_EVERY = HOUR
/** So many names a user may ask an invitation for. */
const NAMES_PER_HOUR = 20

export interface Wanted {
  /** The name that the new account will have; without it the guest may choose one. */
  readonly account?: string | undefined
  /** The account that invites, and counts it among its own; without it the operator does. */
  readonly inviter?: string | undefined
  /** Guest and inviter become contacts; for a new account and for one that the guest has elsewhere. */
  readonly isContact?: boolean | undefined
  /** It is first of all for making an account, even if guest and inviter become contacts; as is every one of the operator's. */
  readonly isForAccount?: boolean
  /** In ms. */
  readonly expiresIn?: number | undefined
}

export interface Invitation {
  readonly token: string
  readonly uri: string
  /** In ms. */
  readonly expiresAt: number
}

export interface InvitesApi {
  /**
   * Makes an invitation for one guest. Throws a StanzaError: `not-allowed` where no accounts can be made, `not-acceptable`
   * for a name that cannot be one, `conflict` for one that is taken, `resource-constraint` if the inviter has too many.
   */
  create(wanted: Wanted): Promise<Invitation>
  /** From now on invitations are good for making an account. */
  openRegistration(): void
  /** The invitation that a client has shown before login. */
  shownBy(stream: UnboundStream): Invite | undefined
  /** In the transaction that makes an account: uses the invitation up. Throws `conflict` if the name is reserved for someone else. */
  redeem(db: Db, name: string, invite: Invite | undefined): Promise<void>
  /** The account is there: guest and inviter become contacts. Not to be awaited in the turn of either. */
  welcome(name: string, invite: Invite): Promise<void>
}

export const invites = defineModule({
  name: 'invites',
  about: 'Invitations: links with which a guest makes an account or becomes a contact.',
  xeps: [xep(379, '0.3.3'), xep(401, '0.6.0', 'partial', 'no landing page'), xep(445, '0.2.0')],
  needs: { roster, commands },
  settings: {
    quota: count(10, { max: 10_000 }, 'How many invitations of one user may be open at a time; with 0, users cannot invite.'),
    expiresIn: duration('7d', 'How long an invitation holds.'),
  },
  migrations,

  setup(host): InvitesApi {
    const { accounts, clock, db, domain, iq, log, needs, on, settings, stream, track } = host
    const store = new InviteStore(db)
    const shown = new WeakMap<UnboundStream, Invite>()
    const named = new WeakMap<Account, () => boolean>()
    let isRegistrationOpen = false

    for (const feature of [IbrToken('register'), InviteCommands('register')]) // the latter is of XEP-0401 before 0.5
      stream.feature('unauthenticated', () => (isRegistrationOpen ? feature : undefined))

    iq.stream.set(Pars, 'preauth', async function showToken({ stream, payload }) {
      if (!isRegistrationOpen) throw new StanzaError('service-unavailable')
      if (!stream.attempt()) throw new StanzaError('policy-violation', 'too many attempts')
      const invite = await store.find(hashOf(payload.attrs['token'] ?? ''))
      // XEP-0445 §4: here alone it is asked whether it has expired.
      if (invite === undefined || invite.expiresAt <= clock.now()) {
        throw new StanzaError('item-not-found', 'The provided token is invalid or expired')
      }
      shown.set(stream, invite)
    })

    // XEP-0379 §3.5: who asks with a valid token is welcome; any other token is for the clients to judge (§4.1).
    on(presenceIn.store, async function welcomeGuest({ account, stanza, from }) {
      if (stanza.attrs['type'] !== 'subscribe') return
      const token = stanza.child(Pars, 'preauth')?.attrs['token']
      if (token === undefined || from.bare.equals(account.jid)) return
      if (!(await store.takeContact(hashOf(token), account.name, clock.now()))) return
      await needs.roster.add(account, from)
      host.send(Client('presence', { type: 'subscribe', from: String(account.jid), to: String(from.bare) }))
    })

    on(accountRemoved, function removeInvites({ account, db }) {
      return new InviteStore(db).removeAllOf(account)
    })

    clock.after(SWEEP_EVERY, function sweep() {
      // Not at once: a client that has shown a token in time may still use it.
      track(store.removeExpired(clock.now() - SWEEP_EVERY).catch(error => log.fault('invites.sweep', error)))
      clock.after(SWEEP_EVERY, sweep)
    })

    const mayInvite = (from: Jid): boolean => settings.quota > 0 && from.domain === domain && from.local !== ''
    const mayMakeAccounts = (from: Jid): boolean => isRegistrationOpen && mayInvite(from)
    for (const command of inviteCommands({ create, mayInvite, mayMakeAccounts })) needs.commands.add(command)

    async function create(wanted: Wanted): Promise<Invitation> {
      const { account: name, inviter, isContact = inviter !== undefined, expiresIn = settings.expiresIn } = wanted
      const isForAccount = wanted.isForAccount === true || name !== undefined || !isContact
      if (isForAccount && !isRegistrationOpen) throw new StanzaError('not-allowed', 'accounts cannot be made here')
      if (name !== undefined && !isAccountName(name)) throw new StanzaError('not-acceptable', 'this cannot be the name of an account')
      if (name !== undefined && inviter !== undefined && asksTooOften(inviter))
        throw new StanzaError('resource-constraint', 'too many names were asked for; try again later')
      if (name !== undefined && (await host.store.exists(name))) throw new StanzaError('conflict', 'this name is taken')
      const token = randomBytes(16).toString('hex')
      const expiresAt = clock.now() + expiresIn
      await db.tx(async db => {
        const inside = new InviteStore(db)
        // It may have been removed since it asked; the next account of its name shall have no guests of it.
        if (inviter !== undefined && !(await new AccountStore(db).exists(inviter))) throw new StanzaError('not-allowed')
        if (inviter !== undefined && (await inside.open(inviter, clock.now())) >= settings.quota) {
          throw new StanzaError('resource-constraint', 'too many invitations are open')
        }
        if (name !== undefined) await makeRoom(inside, name, inviter)
        await inside.add({ token: hashOf(token), inviter, name, isContact, expiresAt })
      })
      const uri =
        isForAccount || inviter === undefined ? registerUri(domain, name, token) : rosterUri(domain, inviter, token, isRegistrationOpen)
      return { token, uri, expiresAt }
    }

    /** Whether a name is taken tells whether there is such an account: not to be asked of all names. */
    function asksTooOften(inviter: string): boolean {
      const account = accounts.of(inviter)
      const isTooOften = named.get(account) ?? limited(NAMES_PER_HOUR, HOUR, () => clock.now())
      named.set(account, isTooOften)
      return isTooOften()
    }

    /** A name is reserved until its invitation expires; the operator may replace an invitation that got lost. */
    async function makeRoom(inside: InviteStore, name: string, inviter: string | undefined): Promise<void> {
      const other = await inside.reserving(name)
      if (other === undefined) return
      if (inviter !== undefined && other.expiresAt > clock.now()) throw new StanzaError('conflict', 'this name is taken')
      await inside.take(other.token)
    }

    return {
      create,
      openRegistration() {
        isRegistrationOpen = true
      },
      shownBy: stream => shown.get(stream),
      async redeem(db, name, invite) {
        const inside = new InviteStore(db)
        const reserved = await inside.reserving(name)
        if (reserved !== undefined && reserved.token !== invite?.token && reserved.expiresAt > clock.now())
          throw new StanzaError('conflict')
        if (invite !== undefined && !(await inside.take(invite.token)))
          throw new StanzaError('not-allowed', 'this invitation has been used')
      },
      async welcome(name, { inviter, isContact }) {
        if (isContact && inviter !== undefined) await needs.roster.befriend(accounts.of(name), accounts.of(inviter))
      },
    }
  },
})

/** What is stored of a token: whoever reads the database cannot use it. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

// XEP-0077: In-Band Registration

import type { Account } from '../../core/account.ts'
import { defineModule, type OwnRequest, type Request, type StreamRequest, xep } from '../../core/module.ts'
import { iqOut } from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import type { UnboundStream } from '../../core/stream-registry.ts'
import { limited } from '../../lib/limited.ts'
import { count, oneOf } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, Forms, formElement, readSubmission } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { isAccountName } from '../../xmpp/precis/account-name.ts'
import { usernameCaseMapped } from '../../xmpp/precis/profiles.ts'
import { errorTo, result } from '../../xmpp/stanza.ts'
import { invites } from '../invites/invites.ts'
import { mustBePassword } from './password.ts'

const Register = namespace<'query' | 'instructions' | 'registered' | 'username' | 'password' | 'remove'>('jabber:iq:register')
const Feature = namespace<'register'>('http://jabber.org/features/iq-register')

const HOUR = 60 * 60_000
/** Each costs the processor as much as many logins. */
const PASSWORDS_PER_HOUR = 10

export const registration = defineModule({
  name: 'registration',
  about: 'Accounts made, changed and removed with any client.',
  xeps: [xep(77, '2.4')],
  features: [Register.uri],
  needs: { invites },
  settings: {
    mode: oneOf(['invite', 'open', 'closed'], 'Who may make an account: those with an invitation, everyone, or only the operator.'),
    shortestPassword: count(8, { min: 1, max: 64 }, 'Characters that a password must have.'),
    perHour: count(60, { min: 1 }, 'How many accounts may be made in an hour without an invitation.'),
  },

  setup(host) {
    const { accounts, clock, domain, iq, log, needs, on, settings, stream } = host
    const { mode } = settings
    const done = new WeakSet<UnboundStream>()
    const changed = new WeakMap<Account, () => boolean>()
    const isFull = limited(settings.perHour, HOUR, () => clock.now())

    if (mode !== 'closed') {
      needs.invites.openRegistration()
      stream.feature('unauthenticated', Feature('register'))
    }
    iq.stream.get(Register, 'query', tellFields)
    iq.stream.set(Register, 'query', register)

    for (const own of [iq.self, iq.host]) {
      own.get(Register, 'query', ({ from }: Request) => {
        const name = ownName(from)
        return Register('query', {}, Register('registered'), Register('username', {}, name), Register('password'))
      })
    }
    iq.self.set(Register, 'query', changePassword)
    iq.host.set(Register, 'query', async request => accounts.of(ownName(request.from)).turn.take(() => changePassword(request)))

    // Before it can be answered: the answer to the removal of an account finds nobody there any more.
    on(iqOut.check, function takeLeave({ account, session, stanza, to }) {
      const query = stanza.attrs['type'] === 'set' ? stanza.child(Register, 'query') : undefined
      if (query === undefined || !isRemoval(query) || !(to.equals(host.jid) || to.equals(account.jid))) return
      void removeAccount(session, stanza)
      return 'drop'
    })

    function tellFields({ stream }: StreamRequest): Element {
      const invite = mayRegister(stream)
      const instructions = 'Choose a name and a password.'
      const fields = formFields(invite?.name)
      return Register(
        'query',
        {},
        Register('instructions', {}, instructions),
        Register('username', {}, invite?.name ?? ''),
        Register('password'),
        formElement('form', Register.uri, fields, { title: 'New account', instructions }),
      )
    }

    async function register({ stream, payload }: StreamRequest): Promise<void> {
      const invite = mayRegister(stream)
      // XEP-0077 §3.1.1: it has one account now, or has tried too often.
      if (done.has(stream) || !stream.attempt()) throw new StanzaError('not-acceptable', 'too many attempts')
      const { username, password } = readFields(payload)
      const name = usernameCaseMapped(username) ?? ''
      if (!isAccountName(name)) throw new StanzaError('not-acceptable', 'this cannot be the name of an account')
      if (invite?.name !== undefined && invite.name !== name) throw new StanzaError('not-acceptable', 'the invitation is for another name')
      mustBePassword(password, name, domain, settings.shortestPassword)
      if (await host.store.exists(name)) throw new StanzaError('conflict')
      if (invite === undefined && isFull()) throw new StanzaError('resource-constraint', 'try again later')
      const credentials = await host.credentialsOf(name, password)
      if (!(await host.life.create(name, credentials, db => needs.invites.redeem(db, name, invite)))) throw new StanzaError('conflict')
      done.add(stream)
      if (invite !== undefined) await needs.invites.welcome(name, invite).catch(error => log.fault('registration.welcome', error))
    }

    /** The client's invitation, if it needs one or has one. Throws if it may not register. */
    function mayRegister(stream: UnboundStream) {
      if (mode === 'closed') throw new StanzaError('service-unavailable')
      const invite = needs.invites.shownBy(stream)
      if (invite === undefined && mode === 'invite') throw new StanzaError('not-allowed', 'an invitation is needed')
      return invite
    }

    async function changePassword({ from, payload }: Request | OwnRequest): Promise<void> {
      if (payload.child(Register, 'remove') !== undefined) throw new StanzaError('bad-request', 'a removal has nothing beside it')
      const name = ownName(from)
      const { username, password } = readFields(payload, 'bad-request')
      if (usernameCaseMapped(username) !== name) throw new StanzaError('not-allowed', 'an account changes only its own password')
      mustBePassword(password, name, domain, settings.shortestPassword)
      if (changesTooOften(accounts.of(name))) throw new StanzaError('resource-constraint', 'try again later')
      await host.life.changePassword(accounts.of(name), password, from)
    }

    function changesTooOften(account: Account): boolean {
      const isTooOften = changed.get(account) ?? limited(PASSWORDS_PER_HOUR, HOUR, () => clock.now())
      changed.set(account, isTooOften)
      return isTooOften()
    }

    async function removeAccount(session: Session, stanza: Element): Promise<void> {
      try {
        await host.life.remove(session.account.name, () => session.sendNow(result(stanza)))
      } catch (error) {
        log.fault('registration.remove', error)
        session.sendNow(errorTo(stanza, new StanzaError('internal-server-error').toElement()).with({ to: String(session.jid) }))
      }
    }

    function ownName(from: Jid): string {
      if (from.domain !== domain || from.local === '') throw new StanzaError('registration-required')
      return from.local
    }
  },
})

/** A removal, and nothing else (XEP-0077 §3.2). */
const isRemoval = (query: Element): boolean => query.elements().length === 1 && query.child(Register, 'remove') !== undefined

const formFields = (name?: string): Field[] => [
  { var: 'username', type: 'text-single', label: 'Name', isRequired: true, ...(name !== undefined && { values: [name] }) },
  { var: 'password', type: 'text-private', label: 'Password', isRequired: true },
]

/** From the form if there is one (XEP-0077 §4). Throws `not-acceptable`, or what is said, if something is missing. */
function readFields(query: Element, missing: 'not-acceptable' | 'bad-request' = 'not-acceptable'): { username: string; password: string } {
  const x = query.child(Forms, 'x')
  const form = x === undefined ? undefined : readSubmission(x, Register.uri, formFields())
  const username = form === undefined ? query.child(Register, 'username')?.text : form.text('username')
  const password = form === undefined ? query.child(Register, 'password')?.text : form.text('password')
  if (!username || !password) throw new StanzaError(missing, 'a name and a password are needed')
  return { username, password }
}

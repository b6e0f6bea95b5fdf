import { type Element, namespace } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { formElement } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { usernameCaseMapped } from '../../xmpp/precis/profiles.ts'
import type { Command } from '../commands/commands.ts'
import type { Invitation, Wanted } from './invites.ts'

/** Its nodes name the commands (XEP-0401 §3). */
export const InviteCommands = namespace('urn:xmpp:invite')

interface Inviting {
  create(wanted: Wanted): Promise<Invitation>
  mayInvite(from: Jid): boolean
  mayMakeAccounts(from: Jid): boolean
}

/** The commands of XEP-0401 §4. */
export function inviteCommands({ create, mayInvite, mayMakeAccounts }: Inviting): Command[] {
  return [
    {
      who: 'host',
      node: `${InviteCommands.uri}#invite`,
      name: 'Invite user',
      isAllowed: mayInvite,
      run: async ({ from }) => ({ payload: [invitationForm(await create({ inviter: from.local }))] }),
    },
    {
      who: 'host',
      node: `${InviteCommands.uri}#create-account`,
      name: 'Create account',
      isAllowed: mayMakeAccounts,
      run: () => ({
        title: 'Create account',
        instructions: 'Without a name, the guest chooses one.',
        fields: [
          { var: 'username', type: 'text-single', label: 'Username' },
          { var: 'roster-subscription', type: 'boolean', label: 'Roster subscription' },
        ],
        async answer(form, { from }) {
          const username = form.text('username')
          const account = username ? (usernameCaseMapped(username) ?? username) : undefined
          const isContact = form.boolean('roster-subscription') ?? false
          return { payload: [invitationForm(await create({ account, inviter: from.local, isContact, isForAccount: true }))] }
        },
      }),
    },
  ]
}

function invitationForm({ uri, expiresAt }: Invitation): Element {
  return formElement('result', `${InviteCommands.uri}#invitation`, [
    { var: 'uri', type: 'text-single', values: [uri] },
    { var: 'expire', type: 'text-single', values: [writeDateTime(expiresAt)] },
  ])
}

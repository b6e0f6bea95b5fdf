import type { Account } from '../../core/account.ts'
import type { Session } from '../../core/session.ts'
import type { Command } from '../commands/commands.ts'
import type { AccountClient } from './clients.ts'
import type { ClientName, NameStore } from './names.ts'

interface Parts {
  list(account: Account): Promise<{ client: AccountClient; name: ClientName | undefined }[]>
  /** Throws `item-not-found` for a client that is gone. */
  revoke(account: Account, id: string, by: Session): Promise<void>
  readonly store: NameStore
}

/** For those whose clients do not know XEP-0494. */
export function clientCommands({ list, revoke, store }: Parts): readonly Command[] {
  return [
    {
      who: 'account',
      node: 'log-out-clients',
      name: 'Log clients out',
      async run({ account, session: own }) {
        const clients = await list(account)
        const options = clients.map(({ client, name }) => ({ value: client.id, label: label(client, name, client.sessions.includes(own)) }))
        return {
          title: 'Log clients out',
          instructions:
            'They are logged out, and their tokens end. Those that know your password can log in again: to keep them out, change it.',
          fields: [{ var: 'clients', type: 'list-multi', label: 'Clients', options }],
          async answer(form, { account, session }) {
            for (const id of form.values('clients') ?? []) await revoke(account, id, session)
            return { note: 'They are logged out.' }
          },
        }
      },
    },
    {
      who: 'account',
      node: 'remember-clients',
      name: 'Remember what my clients are',
      run: async ({ account }) => ({
        title: 'Remember what my clients are',
        instructions: 'In the list of your clients you then see their names, as far as they tell them. They are locked with your password.',
        fields: [{ var: 'remember', type: 'boolean', label: 'Remember them', values: [String((await store.read(account)) !== undefined)] }],
        async answer(form, { account }) {
          const isWanted = form.boolean('remember') === true
          const names = await store.read(account)
          if (isWanted !== (names !== undefined)) await store.write(account, isWanted ? new Map() : undefined)
          return { note: isWanted ? 'A client is remembered when it logs in the next time.' : 'Nothing is remembered.' }
        },
      }),
    },
  ]
}

function label({ sessions }: AccountClient, name: ClientName | undefined, isOwn: boolean): string {
  const { software = 'A client', device } = name ?? {}
  const state = isOwn ? 'this one' : sessions.length > 0 ? 'logged in' : 'has a token'
  return `${software}${device === undefined ? '' : ` on ${device}`} (${state})`
}

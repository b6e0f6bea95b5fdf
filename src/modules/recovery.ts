import type { Account } from '../core/account.ts'
import { defineModule } from '../core/module.ts'
import { accountRekeyed, accountReset } from '../core/points.ts'
import { randomId } from '../lib/random.ts'
import { Client } from '../xmpp/stanza.ts'
import { commands } from './commands/commands.ts'

const LOST =
  'The operator has given your account a new password. What was kept for you before was locked with the old one: nobody can read it any more, and it is gone.'
const LOCKED =
  'The operator has given your account a new password. What was kept for you before is still locked. Your recovery code opens it: use the command “Use your recovery code”.'
const CODE_ENDED =
  'With your new password your recovery code has become worthless. Use the command “Make a recovery code” if you want another one.'

export const recovery = defineModule({
  name: 'recovery',
  about: 'Users get a code that opens what is kept for them should their password be lost, and are told what a new password has cost them.',
  xeps: [],
  needs: { commands },

  setup({ jid, keys, life, needs, on, send }) {
    needs.commands.add({
      who: 'account',
      node: 'recovery-code',
      name: 'Make a recovery code',
      run: () => ({
        title: 'Make a recovery code',
        instructions:
          'Should you lose your password, the operator can give you a new one. But what is kept for you opens only with the old one, or with this code. It is shown once. A code that you had before becomes worthless.',
        fields: [],
        async answer(_, { account }) {
          const code = await keys.newRecoveryCode(account)
          if (code === undefined) return { note: 'Log in with your password first.', noteType: 'error' }
          return { note: `Your recovery code is ${code}\nWrite it down, and keep it as you would keep a key.` }
        },
      }),
    })
    needs.commands.add({
      who: 'account',
      node: 'recover',
      name: 'Use your recovery code',
      run: () => ({
        title: 'Use your recovery code',
        instructions: 'It opens what was kept for you before the operator gave you a new password. Then it is used up.',
        fields: [{ var: 'code', type: 'text-private', label: 'Recovery code', isRequired: true }],
        async answer(form, { account }) {
          if (await life.recover(account, form.text('code') ?? '')) return { note: 'What was kept for you can be read again.' }
          return { note: 'This code opens nothing.', noteType: 'error' }
        },
      }),
    })

    on(accountReset, function tellWhatIsLost({ account, isLost, afterwards }) {
      afterwards(() => tell(account, isLost ? LOST : LOCKED))
    })
    on(accountRekeyed, async function endCode({ account, db, afterwards }) {
      if (await keys.endRecoveryCode(account, db)) afterwards(() => tell(account, CODE_ENDED))
    })

    /** A message from the server: it waits for the user's next client, unless the user lets nothing wait. */
    function tell(account: Account, body: string): void {
      const attrs = { id: randomId(9), type: 'normal', from: String(jid), to: String(account.jid) }
      send(Client('message', attrs, Client('body', {}, body)))
    }
  },
})

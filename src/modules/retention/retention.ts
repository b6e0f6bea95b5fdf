import type { Account } from '../../core/account.ts'
import { defineModule, type OwnRequest } from '../../core/module.ts'
import { accountLoaded, accountRemoved, point } from '../../core/points.ts'
import type { RetentionClass } from '../../core/sealed-log.ts'
import { oneOf } from '../../lib/settings.ts'
import type { Form } from '../../xmpp/forms.ts'
import { commands, type Outcome, type Question } from '../commands/commands.ts'
import { CHOICES, type Choice, classOfChoice, isChoice, keepsMore, LABELS, longestOf } from './choice.ts'
import { migrations, RetentionStore } from './store.ts'

export { CHOICES, type Choice, isChoice } from './choice.ts'

/** In the account's turn, when the choice is on disk: what may not be kept any more goes before this is done. */
export const retentionChanged = point<{ readonly account: Account; readonly former: Choice; readonly now: Choice }>('retention.changed')

export const retention = defineModule({
  name: 'retention',
  about: 'Users choose how long their messages are kept on the server.',
  xeps: [],
  needs: { commands },
  settings: {
    usual: oneOf(['7d', 'relay', 'delivered', '1d', '30d'], 'How long messages are kept for a user who has chosen nothing.'),
    longest: oneOf(['30d', '7d', '1d', 'delivered', 'relay'], 'The longest that a user can choose.'),
  },
  migrations,

  setup({ accounts, db, hooks, needs, on, settings }) {
    const store = new RetentionStore(db)
    const chosen = new WeakMap<Account, Choice>()
    const usual = keepsMore(settings.usual, settings.longest) ? settings.longest : settings.usual
    const possible = CHOICES.filter(choice => !keepsMore(choice, settings.longest))

    on(accountLoaded, async function readChoice(account) {
      const choice = await store.of(account.name)
      if (choice !== undefined) chosen.set(account, choice)
    })
    on(accountRemoved, function forgetChoice({ account, db }) {
      return new RetentionStore(db).remove(account)
    })

    // XEP-0441 §2.2 names the node.
    needs.commands.add({ who: 'account', node: 'urn:xmpp:mam#configure', name: 'Choose how long messages are kept', run: ask })

    function ask({ account }: OwnRequest): Question<OwnRequest> {
      return {
        title: 'How long messages are kept',
        instructions:
          'The server keeps your conversations locked: only your login opens them. When their time is over nobody can, not even with your password. A shorter time holds for what is kept already, too: what is older is removed. But until the longer time is over, a copy of the database from before still opens with your password on this server. If you choose that nothing is to be kept, or delete all, no copy opens any more.',
        fields: [
          {
            var: 'keep',
            type: 'list-single',
            label: 'Keep my messages',
            isRequired: true,
            values: [choiceOf(account)],
            options: possible.map(value => ({ value, label: LABELS[value] })),
          },
        ],
        answer: take,
      }
    }

    async function take(form: Form, { account }: OwnRequest): Promise<Outcome> {
      const choice = form.text('keep')
      if (!isChoice(choice)) return { note: 'Nothing was chosen.', noteType: 'error' }
      await choose(account, choice)
      return { note: `From now on: ${LABELS[choice].toLowerCase()}.` }
    }

    function choiceOf(account: Account): Choice {
      const choice = chosen.get(account) ?? usual
      return keepsMore(choice, settings.longest) ? settings.longest : choice
    }

    async function choose(account: Account, choice: Choice): Promise<void> {
      const former = choiceOf(account)
      await store.set(account.name, choice)
      chosen.set(account, choice)
      await hooks.run(retentionChanged, { account, former, now: choice })
    }

    return {
      /** The class of what is kept for the account, in the archive or until it is delivered; undefined: nothing may be kept. */
      classOf: (account: Account, what: 'archive' | 'spool'): RetentionClass | undefined => classOfChoice(choiceOf(account), what),
      /** For the operator. Undefined if there is no such account. */
      async of(name: string): Promise<Choice | undefined> {
        const account = accounts.of(name)
        return account.turn.take(() => (account.exists ? choiceOf(account) : undefined))
      },
      /** For the operator, in the user's name. False if there is no such account, or the choice is longer than any user's may be. */
      async choose(name: string, choice: Choice): Promise<boolean> {
        const account = accounts.of(name)
        return account.turn.take(async () => {
          if (!account.exists || !possible.includes(choice)) return false
          await choose(account, choice)
          return true
        })
      },
      possible,
      /** For a user who has chosen nothing, and how long that is at most, in ms. */
      usual: { label: LABELS[usual], longest: longestOf(usual) },
    }
  },
})

// XEP-0050: Ad-Hoc Commands

import type { Account } from '../../core/account.ts'
import { type AccountRequest, defineModule, type OwnRequest, type Request, xep } from '../../core/module.ts'
import { count, duration } from '../../lib/settings.ts'
import type { Info, Item } from '../../xmpp/disco.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { discovery, type Nodes } from '../discovery.ts'
import { type Command, type CommandOf, isAllowed } from './command.ts'
import { Commands, Executions } from './executions.ts'

export type { Command, CommandOf, Outcome, Question, Stage } from './command.ts'
export { Commands, type ExecutionLimits, Executions } from './executions.ts'

export const commands = defineModule({
  name: 'commands',
  about: 'Clients show forms for what the server can do for the user or the operator.',
  xeps: [xep(50, '1.3.0')],
  features: [Commands.uri],
  accountFeatures: [Commands.uri],
  needs: { discovery },
  settings: {
    perAccount: count(5, { min: 1, max: 100 }, 'How many commands the clients of an account may have begun; the oldest makes room.'),
    most: count(500, { min: 1, max: 100_000 }, 'How many commands of the server may have been begun by all clients together.'),
    lifetime: duration('15m', 'How long the server waits for the next form of a command.'),
  },

  setup({ clock, iq, jid, needs, settings }) {
    const ofHost = new Map<string, CommandOf<'host', Request>>()
    const ofAccount = new Map<string, CommandOf<'account', OwnRequest>>()
    const hostExecutions = new Executions(ofHost, settings, clock)
    const executions = new WeakMap<Account, Executions<OwnRequest>>()

    iq.host.set(Commands, 'command', request => hostExecutions.execute(request))
    iq.self.set(Commands, 'command', request => {
      const { account } = request
      const own = executions.get(account) ?? new Executions(ofAccount, settings, clock)
      executions.set(account, own)
      return own.execute(request)
    })
    needs.discovery.host.nodes.push(nodesOf(ofHost, () => jid))
    needs.discovery.account.nodes.push(nodesOf(ofAccount, ownAddress))

    return {
      /** Throws if there is a command of that node already. */
      add(command: Command): void {
        if ((command.who === 'host' ? ofHost : ofAccount).has(command.node)) throw new Error(`there are two commands ${command.node}`)
        if (command.who === 'host') ofHost.set(command.node, command)
        else ofAccount.set(command.node, command)
      },
    }
  },
})

/** The commands of an account are for nobody else. */
const ownAddress = ({ account, from }: AccountRequest): Jid | undefined => (from.bare.equals(account.jid) ? account.jid : undefined)

/** What discovery says of commands: only those are listed that whoever asks may run (§2.2). `whose` says where they are, if anywhere. */
function nodesOf<Asked extends Request>(
  known: ReadonlyMap<string, Pick<Command, 'node' | 'name' | 'isAllowed'>>,
  whose: (request: Asked) => Jid | undefined,
): Nodes<Asked> {
  return {
    info(node, request): Info | undefined {
      const command = known.get(node)
      if (whose(request) === undefined) return undefined
      if (node === Commands.uri) return { identities: [{ category: 'automation', type: 'command-list' }], features: [], forms: [] }
      if (command === undefined) return undefined
      if (!isAllowed(command, request.from)) throw new StanzaError('forbidden')
      const identity = { category: 'automation', type: 'command-node', name: command.name }
      return { identities: [identity], features: [Commands.uri, Forms.uri], forms: [] }
    },
    items(node, request): Item[] | undefined {
      const jid = whose(request)
      if (jid === undefined) return undefined
      if (node !== Commands.uri) return known.has(node) ? [] : undefined
      const allowed = [...known.values()].filter(command => isAllowed(command, request.from))
      return allowed.map(command => ({ jid: String(jid), node: command.node, name: command.name }))
    },
  }
}

// XEP-0050: Ad-Hoc Commands

import { randomBytes } from 'node:crypto'
import type { Account } from '../core/account.ts'
import { type AccountRequest, defineModule, type OwnRequest, type Request, xep } from '../core/module.ts'
import { count, duration } from '../lib/settings.ts'
import { type Element, namespace } from '../xml/element.ts'
import type { Info, Item } from '../xmpp/disco.ts'
import { StanzaError } from '../xmpp/error.ts'
import { type Field, type Form, Forms, formElement, readSubmission } from '../xmpp/forms.ts'
import type { Jid } from '../xmpp/jid.ts'
import { discovery } from './discovery.ts'

type Names = 'command' | 'actions' | 'prev' | 'next' | 'complete' | 'note'
type Errors = 'malformed-action' | 'bad-action' | 'bad-payload' | 'bad-sessionid' | 'session-expired'
const Commands = namespace<Names | Errors>('http://jabber.org/protocol/commands')

/** The end of a command. If it failed, a note of type `error` says so (§3.6). */
export interface Outcome {
  readonly note?: string
  readonly noteType?: 'info' | 'warn' | 'error'
  /** Such as a form of type `result`. */
  readonly payload?: readonly Element[]
}

/** A form to fill in, and what comes then. What `answer` throws leaves the question open. */
export interface Question<Asked> {
  readonly title?: string
  readonly instructions?: string
  readonly formType?: string
  readonly fields: readonly Field[]
  /** Other questions follow. */
  readonly hasNext?: boolean
  answer(form: Form, request: Asked): Stage<Asked> | Promise<Stage<Asked>>
}

export type Stage<Asked> = Question<Asked> | Outcome

interface CommandOf<Who, Asked> {
  /** Whose command it is: the host's, or each account's own, for nobody else. */
  readonly who: Who
  /** Unique among the commands of the host or of the account. */
  readonly node: string
  readonly name: string
  /** Asked again at each stage. Without it an account's command is for its owner, and a host's for everybody. */
  isAllowed?(from: Jid): boolean
  run(request: Asked): Stage<Asked> | Promise<Stage<Asked>>
}

export type Command = CommandOf<'host', Request> | CommandOf<'account', OwnRequest>

/** One execution of a command by one client. */
interface Run<Asked> {
  readonly id: string
  readonly node: string
  readonly from: string
  /** The open one is the last. */
  readonly questions: readonly Question<Asked>[]
  readonly at: number
}

type Runs<Asked> = Map<string, Run<Asked>>

export const commands = defineModule({
  name: 'commands',
  about: 'Clients show forms for what the server can do for the user or the operator.',
  xeps: [xep(50, '1.3.0')],
  features: [Commands.uri],
  accountFeatures: [Commands.uri],
  needs: { discovery },
  settings: {
    perClient: count(5, { min: 1, max: 100 }, 'How many commands a client may have begun; the oldest makes room.'),
    most: count(500, { min: 1, max: 100_000 }, 'How many commands of the server may have been begun by all clients together.'),
    lifetime: duration('15m', 'How long the server waits for the next form of a command.'),
  },

  setup({ clock, iq, jid, needs, settings }) {
    const ofHost = new Map<string, CommandOf<'host', Request>>()
    const ofAccount = new Map<string, CommandOf<'account', OwnRequest>>()
    const hostRuns: Runs<Request> = new Map()
    const accountRuns = new WeakMap<Account, Runs<OwnRequest>>()

    iq.host.set(Commands, 'command', request => execute(ofHost, hostRuns, request))
    iq.self.set(Commands, 'command', request => {
      const runs: Runs<OwnRequest> = accountRuns.get(request.account) ?? new Map()
      accountRuns.set(request.account, runs)
      return execute(ofAccount, runs, request)
    })
    needs.discovery.host.nodes.push(
      nodesOf(
        ofHost,
        () => jid,
        () => true,
      ),
    )
    needs.discovery.account.nodes.push(
      nodesOf(
        ofAccount,
        (request: AccountRequest) => request.account.jid,
        ({ from, account }) => from.bare.equals(account.jid),
      ),
    )

    async function execute<Asked extends Request>(
      known: ReadonlyMap<string, CommandOf<unknown, Asked>>,
      runs: Runs<Asked>,
      request: Asked,
    ): Promise<Element> {
      const { action = 'execute', node = '', sessionid } = request.payload.attrs
      const command = known.get(node)
      if (command === undefined) throw new StanzaError('item-not-found')
      if (!isAllowed(command, request.from)) throw new StanzaError('forbidden')
      if (!ACTIONS.has(action)) throw refused('malformed-action')
      if (sessionid === undefined) {
        if (action !== 'execute') throw refused('bad-action')
        return go(begin(runs, request), runs, await command.run(request))
      }
      const run = runs.get(sessionid)
      if (run === undefined || isOver(run) || run.from !== String(request.from)) {
        throw new StanzaError('not-allowed', '', { extra: Commands('session-expired') })
      }
      if (run.node !== node) throw refused('bad-sessionid')
      // Until it has been dealt with there is nothing to go on with: one step at a time.
      runs.delete(sessionid)
      try {
        return await step(run, runs, action, request)
      } catch (error) {
        runs.set(sessionid, run)
        throw error
      }
    }

    async function step<Asked extends Request>(run: Run<Asked>, runs: Runs<Asked>, action: string, request: Asked): Promise<Element> {
      if (action === 'cancel') return Commands('command', { node: run.node, sessionid: run.id, status: 'canceled' })
      const question = run.questions.at(-1)!
      if (action === 'prev') {
        const before = run.questions.at(-2)
        if (before === undefined) throw refused('bad-action')
        return go({ ...run, questions: run.questions.slice(0, -2) }, runs, before)
      }
      if (action !== 'execute' && action !== forward(question)) throw refused('bad-action')
      return go(run, runs, await question.answer(readAnswer(request.payload, question), request))
    }

    function begin<Asked extends Request>(runs: Runs<Asked>, { from, payload }: Asked): Run<Asked> {
      for (const run of runs.values()) if (isOver(run)) runs.delete(run.id)
      const own = [...runs.values()].filter(run => run.from === String(from))
      if (own.length >= settings.perClient) runs.delete(own[0]!.id)
      if (runs.size >= settings.most) throw new StanzaError('resource-constraint')
      return { id: randomBytes(16).toString('base64url'), node: payload.attrs['node']!, from: String(from), questions: [], at: clock.now() }
    }

    function go<Asked>(run: Run<Asked>, runs: Runs<Asked>, stage: Stage<Asked>): Element {
      const attrs = { node: run.node, sessionid: run.id }
      if (!('answer' in stage)) return Commands('command', { ...attrs, status: 'completed' }, ...outcome(stage))
      const { title, instructions, formType, fields } = stage
      const texts = { ...(title !== undefined && { title }), ...(instructions !== undefined && { instructions }) }
      const way = forward(stage)
      const ways = run.questions.length > 0 ? [Commands('prev'), Commands(way)] : [Commands(way)]
      runs.set(run.id, { ...run, questions: [...run.questions, stage], at: clock.now() })
      return Commands(
        'command',
        { ...attrs, status: 'executing' },
        Commands('actions', { execute: way }, ...ways),
        formElement('form', formType, fields, texts),
      )
    }

    const isOver = ({ at }: Run<never>): boolean => clock.now() - at > settings.lifetime

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

const ACTIONS: ReadonlySet<string> = new Set(['execute', 'cancel', 'prev', 'next', 'complete'])

const forward = (question: Question<never>): 'next' | 'complete' => (question.hasNext === true ? 'next' : 'complete')

const isAllowed = (command: Pick<Command, 'isAllowed'>, from: Jid): boolean => command.isAllowed?.(from) ?? true

const refused = (error: Errors, text = ''): StanzaError => new StanzaError('bad-request', text, { extra: Commands(error) })

/** §3.5.1: a form of type `cancel` counts as submitted. */
function readAnswer(command: Element, { formType, fields }: Question<never>): Form {
  try {
    return readSubmission(command.child(Forms, 'x')?.with({ type: 'submit' }), formType, fields)
  } catch (error) {
    if (error instanceof StanzaError) throw refused('bad-payload', error.message)
    throw error
  }
}

function outcome({ note, noteType = 'info', payload = [] }: Outcome): Element[] {
  return note === undefined ? [...payload] : [Commands('note', { type: noteType }, note), ...payload]
}

/** What discovery says of commands: only those are listed that whoever asks may run (§2.2). */
function nodesOf<Asked extends Request>(
  known: ReadonlyMap<string, Pick<Command, 'node' | 'name' | 'isAllowed'>>,
  whose: (request: Asked) => Jid,
  mayAsk: (request: Asked) => boolean,
) {
  return {
    info(node: string, request: Asked): Info | undefined {
      if (!mayAsk(request)) return undefined
      if (node === Commands.uri) return { identities: [{ category: 'automation', type: 'command-list' }], features: [], forms: [] }
      const command = known.get(node)
      if (command === undefined) return undefined
      if (!isAllowed(command, request.from)) throw new StanzaError('forbidden')
      return {
        identities: [{ category: 'automation', type: 'command-node', name: command.name }],
        features: [Commands.uri, Forms.uri],
        forms: [],
      }
    },
    items(node: string, request: Asked): Item[] | undefined {
      if (!mayAsk(request)) return undefined
      if (node !== Commands.uri) return known.has(node) ? [] : undefined
      const jid = String(whose(request))
      return [...known.values()].filter(command => isAllowed(command, request.from)).map(({ node, name }) => ({ jid, node, name }))
    },
  }
}

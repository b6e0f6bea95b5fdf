import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Request } from '../../core/module.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Form, Forms, formElement, readSubmission } from '../../xmpp/forms.ts'
import { type CommandOf, isAllowed, type Outcome, type Question, type Stage } from './command.ts'

type Names = 'command' | 'actions' | 'prev' | 'next' | 'complete' | 'note'
type Errors = 'malformed-action' | 'bad-action' | 'bad-payload' | 'bad-sessionid' | 'session-expired'
export const Commands = namespace<Names | Errors>('http://jabber.org/protocol/commands')

export interface ExecutionLimits {
  readonly perAccount: number
  readonly most: number
  /** Milliseconds. */
  readonly lifetime: number
}

/** One execution that waits for its client. */
interface Execution<Asked> {
  readonly id: string
  readonly node: string
  readonly from: string
  /** The account or host of the client: its clients share their bound, or one that changes its resource would have none. */
  readonly owner: string
  /** The open one is the last. */
  readonly questions: readonly Question<Asked>[]
  readonly at: number
}

const ACTIONS: ReadonlySet<string> = new Set(['execute', 'cancel', 'prev', 'next', 'complete'])

/** The commands that clients have begun with the host, or with one account (XEP-0050 §3.3 calls them sessions). */
export class Executions<Asked extends Request> {
  readonly #commands: ReadonlyMap<string, CommandOf<unknown, Asked>>
  readonly #limits: ExecutionLimits
  readonly #clock: Clock
  readonly #waiting = new Map<string, Execution<Asked>>()

  constructor(commands: ReadonlyMap<string, CommandOf<unknown, Asked>>, limits: ExecutionLimits, clock: Clock) {
    this.#commands = commands
    this.#limits = limits
    this.#clock = clock
  }

  /** Deals with a `<command/>`, and gives the one that answers it. Throws the errors of XEP-0050 §4.4. */
  async execute(request: Asked): Promise<Element> {
    const { action = 'execute', node = '', sessionid } = request.payload.attrs
    const command = this.#commands.get(node)
    if (command === undefined) throw new StanzaError('item-not-found')
    if (!isAllowed(command, request.from)) throw new StanzaError('forbidden')
    if (!ACTIONS.has(action)) throw refused('malformed-action')
    if (sessionid !== undefined) return this.#continue(sessionid, action, request)
    if (action !== 'execute') throw refused('bad-action')
    const id = randomBytes(16).toString('base64url')
    return this.#tell(
      { id, node, from: String(request.from), owner: String(request.from.bare), questions: [], at: 0 },
      await command.run(request),
    )
  }

  async #continue(id: string, action: string, request: Asked): Promise<Element> {
    const execution = this.#waiting.get(id)
    if (execution === undefined || this.#isOver(execution) || execution.from !== String(request.from)) {
      throw new StanzaError('not-allowed', '', { extra: Commands('session-expired') })
    }
    if (execution.node !== request.payload.attrs['node']) throw refused('bad-sessionid')
    // Until this step is done there is nothing to go on with: one at a time.
    this.#waiting.delete(id)
    try {
      return await this.#step(execution, action, request)
    } catch (error) {
      this.#waiting.set(id, execution)
      throw error
    }
  }

  async #step(execution: Execution<Asked>, action: string, request: Asked): Promise<Element> {
    const { id, node, questions } = execution
    if (action === 'cancel') return Commands('command', { node, sessionid: id, status: 'canceled' })
    const question = questions.at(-1)!
    if (action === 'prev') {
      const before = questions.at(-2)
      if (before === undefined) throw refused('bad-action')
      return this.#tell({ ...execution, questions: questions.slice(0, -2) }, before)
    }
    if (action !== 'execute' && action !== forward(question)) throw refused('bad-action')
    return this.#tell(execution, await question.answer(readAnswer(request.payload, question), request))
  }

  #tell(execution: Execution<Asked>, stage: Stage<Asked>): Element {
    const { id, node, questions } = execution
    if (!('answer' in stage)) return Commands('command', { node, sessionid: id, status: 'completed' }, ...outcome(stage))
    if (questions.length === 0) this.#makeRoom(execution.owner)
    this.#waiting.set(id, { ...execution, questions: [...questions, stage], at: this.#clock.now() })
    return Commands('command', { node, sessionid: id, status: 'executing' }, actions(stage, questions.length > 0), form(stage))
  }

  #makeRoom(owner: string): void {
    for (const execution of this.#waiting.values()) if (this.#isOver(execution)) this.#waiting.delete(execution.id)
    const own = [...this.#waiting.values()].filter(execution => execution.owner === owner)
    if (own.length >= this.#limits.perAccount) this.#waiting.delete(own[0]!.id)
    if (this.#waiting.size >= this.#limits.most) throw new StanzaError('resource-constraint')
  }

  #isOver({ at }: Execution<Asked>): boolean {
    return this.#clock.now() - at > this.#limits.lifetime
  }
}

const forward = (question: Question<never>): 'next' | 'complete' => (question.hasNext === true ? 'next' : 'complete')

const refused = (error: Errors, text = ''): StanzaError => new StanzaError('bad-request', text, { extra: Commands(error) })

function actions(question: Question<never>, hasPrevious: boolean): Element {
  const execute = forward(question)
  return Commands('actions', { execute }, ...(hasPrevious ? [Commands('prev')] : []), Commands(execute))
}

function form({ title, instructions, formType, fields }: Question<never>): Element {
  return formElement('form', formType, fields, {
    ...(title !== undefined && { title }),
    ...(instructions !== undefined && { instructions }),
  })
}

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

import type { OwnRequest, Request } from '../../core/module.ts'
import type { Element } from '../../xml/element.ts'
import type { Field, Form } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'

/** The end of a command. If it failed, a note of type `error` says so (XEP-0050 §3.6). */
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

export interface CommandOf<Who, Asked> {
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

export const isAllowed = (command: Pick<Command, 'isAllowed'>, from: Jid): boolean => command.isAllowed?.(from) ?? true

import type { Element, Namespace } from '../xml/element.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Answer, IqTable, IqTables } from './module.ts'

export type Asked = keyof IqTables

/** Who answers which request: one answerer for each kind, namespace and name; a second one stops the start. */
export class IqAnswers {
  // biome-ignore lint/suspicious/noExplicitAny: the tables check the request's type where the answerer is added
  readonly #answers = new Map<string, (request: any) => Answer>()

  tables(owner: string): IqTables {
    return {
      self: this.table(owner, 'self'),
      account: this.table(owner, 'account'),
      host: this.table(owner, 'host'),
      stream: this.table(owner, 'stream'),
    }
  }

  /** Throws `service-unavailable` if nobody answers such a request (RFC 6120 §8.4). */
  answer<Request extends { readonly payload: Element; readonly iq: Element }>(asked: Asked, request: Request): Answer {
    const { payload, iq } = request
    const answer = this.#answers.get(`${asked} ${iq.attrs['type']} ${payload.ns} ${payload.name}`)
    if (answer === undefined) throw new StanzaError('service-unavailable')
    return answer(request)
  }

  has(asked: Asked, type: string, payload: Element): boolean {
    return this.#answers.has(`${asked} ${type} ${payload.ns} ${payload.name}`)
  }

  /** Where `owner` adds answers to what is asked of that kind. */
  table<Request>(owner: string, asked: Asked): IqTable<Request> {
    const add =
      (type: string) =>
      <Name extends string>(ns: Namespace<Name>, name: Name, answer: (request: Request) => Answer): void => {
        const key = `${asked} ${type} ${ns.uri} ${name}`
        if (this.#answers.has(key)) throw new Error(`${owner}: ${key} is answered already`)
        this.#answers.set(key, answer)
      }
    return { get: add('get'), set: add('set') }
  }
}

/** The one payload of a request (RFC 6120 §8.2.3). */
export function payloadOf(iq: Element): Element {
  const [payload, ...more] = iq.elements()
  if (payload === undefined || more.length > 0) throw new StanzaError('bad-request', 'a request has one payload')
  return payload
}

/** RFC 6120 §8.2.3. Throws `bad-request`. */
export function mustBeIq({ attrs: { type } }: Element): void {
  if (type !== 'get' && type !== 'set' && type !== 'result' && type !== 'error')
    throw new StanzaError('bad-request', 'a request or an answer has one of four types')
}

import type { Secret } from '../lib/secret.ts'
import { readBase64 } from '../sasl/base64.ts'
import type { Exchange, Success } from '../sasl/exchange.ts'
import { startExchange } from '../sasl/mechanisms.ts'
import type { Profile } from '../sasl/profile.ts'
import { SaslError } from '../sasl/sasl-error.ts'
import { startUpgrade, UPGRADE_TASKS, type Upgrade } from '../sasl/upgrade.ts'
import type { Element } from '../xml/element.ts'
import { StreamError } from '../xmpp/error.ts'
import { Jid } from '../xmpp/jid.ts'
import { opaqueString } from '../xmpp/precis/profiles.ts'
import { bindInline, resumeStream } from './binding.ts'
import type { Negotiation } from './negotiation.ts'
import { Bind2, Sasl, Sasl2, SaslUpgrade, ScramUpgrade, Sm } from './namespaces.ts'

/** A SASL exchange on a stream, in the profile of RFC 6120 §6 or of XEP-0388, whichever the client began with. */
export class Authentication {
  readonly #negotiation: Negotiation
  #exchange: Exchange | undefined
  /** The `<authenticate/>` of XEP-0388; undefined in the old profile. */
  #request: Element | undefined
  #success: Success | undefined
  /** XEP-0480: tasks that the client asked for and has not done yet. */
  #tasks: string[] = []
  #upgrade: Upgrade | undefined

  constructor(negotiation: Negotiation) {
    this.#negotiation = negotiation
  }

  get isUnderWay(): boolean {
    return this.#exchange !== undefined || this.#success !== undefined
  }

  abandon(): void {
    this.#exchange?.abort()
    this.#success?.clientKey?.wipe()
    this.#exchange = this.#success = undefined
  }

  async take(element: Element): Promise<void> {
    try {
      if (element.is(Sasl, 'auth')) await this.#begin(element, undefined, payload(element.text))
      else if (element.is(Sasl2, 'authenticate')) await this.#begin(element, element, initialResponse(element))
      else if (element.name === 'abort') throw new SaslError('aborted')
      else if (element.name === 'response' && this.#exchange !== undefined) await this.#step(payload(element.text) ?? Buffer.alloc(0))
      else if (element.is(Sasl2, 'next') && this.#success !== undefined) await this.#startTask(element.attrs['task'] ?? '')
      else if (element.is(Sasl2, 'task-data') && this.#upgrade !== undefined) await this.#finishTask(element)
      else throw new StreamError('policy-violation', 'not now')
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      await this.#fail(error)
    }
  }

  async #begin(element: Element, request: Element | undefined, initial: Buffer | undefined): Promise<void> {
    if (this.isUnderWay) throw new StreamError('policy-violation', 'authentication is under way')
    const negotiation = this.#negotiation
    const { served, claimed, streams, socket } = negotiation.connection
    this.#request = request
    if (!streams.pace.mayTry(socket.peer)) throw new StreamError('policy-violation', 'too many failures')
    const { domain } = served!.host
    const profile: Profile = {
      prepareUsername: name => Jid.of(name, domain).local,
      isAuthzid: (authzid, username) => isOwnAddress(authzid, username, domain),
      preparePassword,
    }
    this.#exchange = startExchange(element.attrs['mechanism'] ?? '', served!.credentials, negotiation.binding, negotiation.offer, profile)
    // Before authentication the header's `from` is a hint; after it, it must have been true (RFC 6120 §4.7.1).
    if (claimed !== undefined && (claimed.domain !== domain || claimed.local === '')) throw new SaslError('invalid-authzid')
    if (initial === undefined) this.#challenge(Buffer.alloc(0))
    else await this.#step(initial)
  }

  async #step(input: Buffer): Promise<void> {
    const step = await this.#exchange!.step(input)
    if (step.kind === 'challenge') return this.#challenge(step.data)
    const { claimed } = this.#negotiation.connection
    if (claimed !== undefined && claimed.local !== step.username) {
      step.clientKey?.wipe()
      throw new SaslError('invalid-authzid')
    }
    this.#exchange = undefined
    this.#success = step
    this.#tasks = wantedTasks(this.#request)
    if (this.#tasks.length > 0) return this.#continue(step.data)
    await this.#succeed(step.data)
  }

  #challenge(data: Buffer): void {
    const text = data.toString('base64')
    this.#negotiation.connection.sendElement(this.#request === undefined ? Sasl('challenge', {}, text) : Sasl2('challenge', {}, text))
  }

  #continue(data: Buffer | undefined): void {
    const tasks = Sasl2('tasks', {}, Sasl2('task', {}, this.#tasks[0]!))
    const children = data === undefined ? [tasks] : [Sasl2('additional-data', {}, data.toString('base64')), tasks]
    this.#negotiation.connection.sendElement(Sasl2('continue', {}, ...children))
  }

  async #startTask(task: string): Promise<void> {
    if (task !== this.#tasks[0] || this.#upgrade !== undefined) throw new StreamError('policy-violation', 'not a task of now')
    this.#upgrade = await startUpgrade(task, this.#success!.username, this.#negotiation.connection.served!.credentials)
    const { salt, iterations } = this.#upgrade
    const data = ScramUpgrade('salt', { iterations: String(iterations) }, salt.toString('base64'))
    this.#negotiation.connection.sendElement(Sasl2('task-data', {}, data))
  }

  async #finishTask(element: Element): Promise<void> {
    const salted = payload(element.child(ScramUpgrade, 'hash')?.text ?? '')
    if (salted === undefined) throw new SaslError('malformed-request')
    const { credential, clientKey } = this.#upgrade!.finish(salted)
    clientKey.wipe()
    this.#upgrade = undefined
    await this.#negotiation.connection.served!.host.store.addCredential(this.#success!.username, credential)
    this.#tasks.shift()
    if (this.#tasks.length > 0) return this.#continue(undefined)
    await this.#succeed(undefined)
  }

  async #succeed(data: Buffer | undefined): Promise<void> {
    const { username, clientKey, hash } = this.#success!
    this.#success = undefined
    const { connection } = this.#negotiation
    await connection.served!.host.authenticated(username, hash, clientKey as Secret | undefined)
    this.#negotiation.account = username
    if (this.#request !== undefined) return this.#succeedInline(this.#request, username, data)
    connection.sendElement(data === undefined ? Sasl('success') : Sasl('success', {}, data.toString('base64')))
    connection.restart()
  }

  /** XEP-0388 §2.6.1 with XEP-0198 §9.2 and XEP-0386: resumes, or binds, in the same breath. */
  async #succeedInline(request: Element, username: string, data: Buffer | undefined): Promise<void> {
    const { connection } = this.#negotiation
    const { host } = connection.served!
    const announce = (jid: string, ...inline: Element[]): void => {
      const additional = data === undefined ? [] : [Sasl2('additional-data', {}, data.toString('base64'))]
      connection.sendElement(Sasl2('success', {}, ...additional, Sasl2('authorization-identifier', {}, jid), ...inline))
    }
    const answers: Element[] = []
    const resume = request.child(Sm, 'resume')
    if (resume !== undefined) {
      const isResumed = await resumeStream(connection, username, resume, answer => {
        if (answer.is(Sm, 'resumed')) announce(String(connection.session!.jid), answer)
        else answers.push(answer)
      })
      if (isResumed) return
    }
    const bind = request.child(Bind2, 'bind')
    if (bind === undefined) {
      announce(String(Jid.of(username, host.domain)), ...answers)
      connection.sendStreamElement(this.#negotiation.features())
      return
    }
    const { session, bound } = await bindInline(connection, username, bind)
    announce(String(session.jid), ...answers, bound)
    connection.sendStreamElement(this.#negotiation.features(bound))
  }

  async #fail(error: SaslError): Promise<void> {
    this.abandon()
    const { connection } = this.#negotiation
    const { pace } = connection.streams
    if (error.condition === 'not-authorized') await pace.failed(connection.socket.peer)
    const isNew = this.#request !== undefined
    connection.sendElement(isNew ? Sasl2('failure', {}, Sasl(error.condition)) : Sasl('failure', {}, Sasl(error.condition)))
    this.#request = undefined
    if (!this.#negotiation.attempt()) throw new StreamError('policy-violation', 'too many failures')
  }
}

function preparePassword(password: string): string {
  const prepared = opaqueString(password)
  if (prepared === undefined) throw new SaslError('not-authorized')
  return prepared
}

/** RFC 6120 §6.4.2: `=` is an empty message; nothing is no message. */
function payload(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  if (trimmed === '=') return Buffer.alloc(0)
  const bytes = readBase64(Buffer.from(trimmed, 'latin1'))
  if (bytes === undefined) throw new SaslError('incorrect-encoding')
  return bytes
}

function initialResponse(authenticate: Element): Buffer | undefined {
  const initial = authenticate.child(Sasl2, 'initial-response')
  return initial === undefined ? undefined : (payload(initial.text) ?? Buffer.alloc(0))
}

function wantedTasks(request: Element | undefined): string[] {
  const wanted = request?.all(SaslUpgrade, 'upgrade').map(upgrade => upgrade.text) ?? []
  return UPGRADE_TASKS.filter(task => wanted.includes(task))
}

/** Nobody acts for another: the authorization identity is the account's own bare address. */
function isOwnAddress(authzid: string, username: string, domain: string): boolean {
  try {
    const jid = Jid.parse(authzid)
    return jid.local === username && jid.domain === domain && jid.resource === ''
  } catch {
    return false
  }
}

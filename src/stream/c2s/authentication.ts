import type { KeyHold, Proof } from '../../core/keys.ts'
import { clientNamed } from '../../core/points.ts'
import { readBase64 } from '../../sasl/base64.ts'
import type { Exchange, Success, TokenSuccess } from '../../sasl/exchange.ts'
import { startExchange } from '../../sasl/mechanisms.ts'
import type { Profile } from '../../sasl/profile.ts'
import { SaslError } from '../../sasl/sasl-error.ts'
import { startUpgrade, UPGRADE_TASKS, type Upgrade } from '../../sasl/upgrade.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError, StreamError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { opaqueString } from '../../xmpp/precis/profiles.ts'
import { readAddress } from '../address.ts'
import { Bind2, Sasl, Sasl2, SaslUpgrade, ScramUpgrade, Sm } from '../namespaces.ts'
import { bindInline, resumeStream } from './binding.ts'
import type { Negotiation } from './negotiation.ts'
import { TokenRequest } from './token-request.ts'
import { readUserAgent, type UserAgent } from './user-agent.ts'

/** A SASL exchange on a stream, in the profile of RFC 6120 §6 or of XEP-0388, whichever the client began with. */
export class Authentication {
  readonly #negotiation: Negotiation
  #exchange: Exchange | undefined
  /** The `<authenticate/>` of XEP-0388; undefined in the old profile. */
  #request: Element | undefined
  #agent: UserAgent | undefined
  #tokens: TokenRequest | undefined
  /** A token of the client was none; that says something of its network only if it cannot log in. */
  #owesFailure = false
  #success: Success | TokenSuccess | undefined
  /** What is sealed for the account is open since the success. */
  #hold: KeyHold | undefined
  /** The account that the client named, whether there is one or not. */
  #name: string | undefined
  #isBusy = false
  /** XEP-0480: tasks that the client asked for and has not done yet. */
  #tasks: string[] = []
  #upgrade: Upgrade | undefined

  constructor(negotiation: Negotiation) {
    this.#negotiation = negotiation
  }

  /** The client has to wait for an answer. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  get isUnderWay(): boolean {
    return this.#exchange !== undefined || this.#success !== undefined
  }

  abandon(): void {
    this.#exchange?.abort()
    this.#tokens?.abandon()
    this.#success?.clientKey?.wipe()
    this.#hold?.release()
    this.#exchange = this.#success = this.#hold = undefined
  }

  /** The client has gone without having logged in. */
  leave(): void {
    const { streams, socket } = this.#negotiation.connection
    if (this.#owesFailure) streams.pace.failed(socket.peer, undefined)
    this.#owesFailure = false
    this.abandon()
  }

  async take(element: Element): Promise<void> {
    this.#isBusy = true
    try {
      await this.#answer(element)
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      await this.#fail(error)
    } finally {
      this.#isBusy = false
    }
  }

  #answer(element: Element): Promise<void> {
    if (element.is(Sasl, 'auth')) return this.#begin(element, undefined, payload(element.text))
    if (element.is(Sasl2, 'authenticate')) return this.#begin(element, element, initialResponse(element))
    if (element.name === 'abort') throw new SaslError('aborted')
    // What was begun in one profile goes on in it.
    const isOfProfile = (element.ns === Sasl2.uri) === (this.#request !== undefined)
    if (isOfProfile && element.name === 'response' && this.#exchange !== undefined)
      return this.#step(payload(element.text) ?? Buffer.alloc(0))
    if (element.is(Sasl2, 'next') && this.#success !== undefined) return this.#startTask(element.attrs['task'] ?? '')
    if (element.is(Sasl2, 'task-data') && this.#upgrade !== undefined) return this.#finishTask(element)
    throw new StreamError('policy-violation', 'not now')
  }

  async #begin(element: Element, request: Element | undefined, initial: Buffer | undefined): Promise<void> {
    if (this.isUnderWay) throw new StreamError('policy-violation', 'authentication is under way')
    const negotiation = this.#negotiation
    const { served, claimed, streams, socket } = negotiation.connection
    this.#request = request
    this.#agent = request && readUserAgent(request)
    this.#tokens = request && new TokenRequest(negotiation, request, this.#agent)
    this.#name = undefined
    if (!streams.pace.mayTry(socket.peer)) throw new StreamError('policy-violation', 'too many failures')
    const { domain, store } = served!.host
    negotiation.connection.revision = store.revision
    const profile: Profile = {
      prepareUsername: name => {
        this.#name = Jid.of(name, domain).local
        return this.#name
      },
      isAuthzid: (authzid, username) => isOwnAddress(authzid, username, domain),
      preparePassword,
    }
    const mechanism = element.attrs['mechanism'] ?? ''
    this.#exchange =
      this.#tokens?.start(mechanism, profile) ??
      startExchange(mechanism, served!.credentials, negotiation.binding, negotiation.announcement.offer, profile)
    // Before authentication the header's `from` is a hint; after it, it must have been true (RFC 6120 §4.7.1).
    if (claimed !== undefined && (claimed.domain !== domain || claimed.local === '')) throw new SaslError('invalid-authzid')
    if (initial === undefined) this.#challenge(Buffer.alloc(0))
    else await this.#step(initial)
  }

  async #step(input: Buffer): Promise<void> {
    const step = await this.#exchange!.step(input)
    if (step.kind === 'challenge') return this.#challenge(step.data)
    this.#exchange = undefined
    this.#success = step
    // What nobody can guess is not being guessed: whoever guesses at the password is not in the way of those with tokens.
    if (step.clientKey !== undefined) await this.#slowDown()
    const { claimed, isClosed } = this.#negotiation.connection
    if (isClosed || (claimed !== undefined && claimed.local !== step.username)) throw new SaslError('invalid-authzid')
    await this.#open(step)
    // XEP-0484 §4.2; and whoever has no more than a token must not leave a password.
    this.#tasks = step.clientKey === undefined ? [] : wantedTasks(this.#request)
    if (this.#tasks.length > 0) return this.#continue(step.data)
    await this.#succeed(step.data)
  }

  async #open({ username, clientKey, credential }: Success | TokenSuccess): Promise<void> {
    const { connection } = this.#negotiation
    const proof: Proof =
      clientKey === undefined ? await this.#tokens!.use() : { kind: 'password', hash: credential.hash, clientKey, wrap: credential.wrap }
    this.#hold = await connection.served!.host.authenticated(username, proof)
    if (connection.isClosed) this.abandon()
  }

  /** The account whose password may be being guessed, as failures are counted. */
  get #guessed(): string | undefined {
    return this.#name === undefined ? undefined : `${this.#name}@${this.#negotiation.connection.served!.host.domain}`
  }

  /** Of an account that somebody guesses the password of, the right answer comes as late as the wrong one. */
  async #slowDown(atLeast = 0): Promise<void> {
    const account = this.#guessed
    await this.#wait(Math.max(atLeast, account === undefined ? 0 : this.#negotiation.connection.streams.pace.delayOf(account)))
  }

  async #wait(ms: number): Promise<void> {
    const { streams, socket, isClosed } = this.#negotiation.connection
    if (ms > 0 && !isClosed && !(await streams.pace.wait(ms, socket.peer, this.#guessed)))
      throw new StreamError('resource-constraint', 'too many wait')
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
    if (this.#negotiation.connection.isClosed) return this.abandon()
    const { salt, iterations } = this.#upgrade
    const data = ScramUpgrade('salt', { iterations: String(iterations) }, salt.toString('base64'))
    this.#negotiation.connection.sendElement(Sasl2('task-data', {}, data))
  }

  async #finishTask(element: Element): Promise<void> {
    const salted = payload(element.child(ScramUpgrade, 'hash')?.text ?? '')
    if (salted === undefined) throw new SaslError('malformed-request')
    const added = this.#upgrade!.finish(salted)
    this.#upgrade = undefined
    const { username, credential } = this.#success as Success // no task follows on a token
    // The password may have been changed since: the old one must add nothing.
    if (!(await this.#negotiation.connection.served!.host.life.addCredential(username, added, credential)))
      throw new SaslError('not-authorized')
    if (this.#negotiation.connection.isClosed) return this.abandon()
    this.#tasks.shift()
    if (this.#tasks.length > 0) return this.#continue(undefined)
    await this.#succeed(undefined)
  }

  async #succeed(data: Buffer | undefined): Promise<void> {
    const { connection } = this.#negotiation
    // Nobody is there any more: above all, nothing may be bound, for that could end another session.
    if (connection.isClosed) return this.abandon()
    const { username } = this.#success!
    connection.hold(this.#hold!)
    this.#success = this.#hold = undefined
    this.#negotiation.account = username
    this.#owesFailure = false
    if (this.#request !== undefined) return this.#succeedInline(this.#request, username, data)
    connection.restart()
    connection.sendElement(data === undefined ? Sasl('success') : Sasl('success', {}, data.toString('base64')))
  }

  /** XEP-0388 §2.6.1 with XEP-0198 §9.2 and XEP-0386: resumes, or binds, in the same breath. */
  async #succeedInline(request: Element, username: string, data: Buffer | undefined): Promise<void> {
    const { connection } = this.#negotiation
    const { host } = connection.served!
    const token = await this.#greet(username)
    if (connection.isClosed) return
    const announce = (jid: string, ...inline: Element[]): void => {
      const additional = data === undefined ? [] : [Sasl2('additional-data', {}, data.toString('base64'))]
      connection.sendElement(Sasl2('success', {}, ...additional, Sasl2('authorization-identifier', {}, jid), ...inline, ...token))
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
    const { session, bound } = await this.#bind(username, bind)
    announce(String(session.jid), ...answers, bound)
    connection.sendStreamElement(this.#negotiation.features(bound))
  }

  /** Learns who the client is, and gives it the token that it shall have; where that cannot be done it is let in without. */
  async #greet(username: string): Promise<Element[]> {
    const { connection } = this.#negotiation
    const { accounts, failed, hooks, log, tokens } = connection.served!.host
    if (this.#agent === undefined) return []
    const { id, software, device } = this.#agent
    try {
      const client = (connection.client = await tokens.clientOf(username, id))
      const token = await this.#tokens!.grant(username)
      const account = accounts.of(username)
      if (software !== undefined || device !== undefined)
        await account.turn.take(() => hooks.tell(clientNamed, { account, client, software, device }, failed))
      return token === undefined ? [] : [token]
    } catch (error) {
      log.fault('token.failed', error)
      return []
    }
  }

  async #bind(username: string, bind: Element): ReturnType<typeof bindInline> {
    try {
      return await bindInline(this.#negotiation.connection, username, bind)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      // Too many sessions, or the account is being removed. The client is not told of success, so it has not logged in.
      this.#negotiation.account = undefined
      this.#negotiation.connection.client = undefined
      this.#negotiation.connection.hold(undefined)
      throw new SaslError('temporary-auth-failure')
    }
  }

  /**
   * A token that is none was not guessed, but has run out, or was bound to a certificate of before: the client logs in by other
   * means, and then it has done no wrong. Were each counted, a renewed certificate would make a network of many clients suspect.
   */
  async #countFailure(): Promise<void> {
    const { streams, socket } = this.#negotiation.connection
    if (this.#tokens?.isLogin !== true) return this.#slowDown(streams.pace.failed(socket.peer, this.#guessed))
    const ms = this.#owesFailure ? streams.pace.failed(socket.peer, undefined) : 0
    this.#owesFailure = true
    await this.#wait(ms)
  }

  async #fail(error: SaslError): Promise<void> {
    this.abandon()
    const { connection } = this.#negotiation
    if (error.condition === 'not-authorized') await this.#countFailure()
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
  const encoded = Buffer.from(trimmed, 'latin1')
  const bytes = readBase64(encoded)
  encoded.fill(0)
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
  const jid = readAddress(authzid)
  return jid !== undefined && jid.local === username && jid.domain === domain && jid.resource === ''
}

// XEP-0220: Server Dialback

import { type Element, escapeAttribute, escapeText } from '../../xml/element.ts'
import { type Condition, StanzaError, StreamError } from '../../xmpp/error.ts'
import { readDomain } from '../address.ts'
import type { Vouched } from './dialback-key.ts'
import type { Link } from './link.ts'
import { failure } from './parcel.ts'

/** What becomes of a key: it is right, it is wrong, or this came between (XEP-0220 §2.4). */
export type Verdict = 'valid' | 'invalid' | Condition

/** Keys of one connection that are being checked at a time. */
const MOST_CHECKED = 10
/** Pairs of domains that one connection may carry. */
const MOST_PAIRS = 200
/** Keys of one connection that may turn out to be no good within that time, ms; further ones are not looked at. */
const MOST_FAILED = 20
const FAILED_WITHIN = 60_000
/** Keys that the other side is to vouch for at a time. */
const MOST_QUESTIONS = 100
const LONGEST_KEY = 256
/** How long an answer may take, ms. */
const ANSWER_WITHIN = 30_000

interface Addressed {
  readonly from: string
  readonly to: string
}

/** Dialback on one connection, in all its roles: whoever asks, is asked, and answers. What nobody asked for is not heard (§3). */
export class DialbackSide {
  readonly #link: Link
  /** Pairs that we have sent a key for: `local remote`, each with what ends the wait for its answer. */
  readonly #requested = new Map<string, () => void>()
  /** Keys of others that the other side is to vouch for, by pair and stream. */
  readonly #questions = new Map<string, (verdict: Verdict) => void>()
  /** Pairs of the other side that are being checked: `sender target`. */
  readonly #checked = new Set<string>()
  #failed = 0
  #failedSince = Number.NEGATIVE_INFINITY

  constructor(link: Link) {
    this.#link = link
  }

  /** Initiating Server, step 1: asks to be allowed to send from our domain to theirs. The answer goes to the link or to the peer. */
  request(local: string, remote: string): void {
    const link = this.#link
    const pair = `${local} ${remote}`
    if (this.#requested.has(pair) || link.sends(local, remote)) return
    const { clock } = link.federation
    const cancel = clock.after(ANSWER_WITHIN, () => {
      if (this.#requested.delete(pair)) link.federation.peer(remote).refused(link, local, failure('it does not answer'))
    })
    this.#requested.set(pair, cancel)
    this.#write(
      'result',
      { from: local, to: remote },
      link.federation.keys.make({ target: remote, sender: local, streamId: link.streamId }),
    )
  }

  /** Receiving Server, step 2: asks the Authoritative Server. */
  verify({ target, sender, streamId }: Vouched, key: string): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    if (this.#link.isClosed) return Promise.resolve('remote-server-timeout')
    const question = `${target} ${sender} ${streamId}`
    if (this.#questions.has(question) || this.#questions.size >= MOST_QUESTIONS) return Promise.resolve('resource-constraint')
    const cancel = this.#link.federation.clock.after(ANSWER_WITHIN, () => {
      this.#questions.delete(question)
      resolve('remote-server-timeout')
    })
    this.#questions.set(question, verdict => {
      cancel()
      resolve(verdict)
    })
    this.#write('verify', { from: target, to: sender }, key, { id: streamId })
    return promise
  }

  take(element: Element): void {
    const from = readDomain(element.attrs['from'])
    const to = readDomain(element.attrs['to'])
    if (from === undefined || to === undefined) throw new StreamError('improper-addressing')
    const isAnswer = element.attrs['type'] !== undefined
    if (element.name !== 'result' && element.name !== 'verify') throw new StreamError('unsupported-stanza-type')
    if (element.name === 'result') isAnswer ? this.#answered(element, { from, to }) : this.#keyGiven(element, { from, to })
    else isAnswer ? this.#vouched(element, { from, to }) : this.#asked(element, { from, to })
  }

  /** The connection is over: what was asked on it has no answer. */
  end(): void {
    for (const tell of this.#questions.values()) tell('remote-server-timeout')
    this.#questions.clear()
    for (const cancel of this.#requested.values()) cancel()
    this.#requested.clear()
  }

  /** Initiating Server, step 4. */
  #answered(element: Element, { from: remote, to: local }: Addressed): void {
    const pair = `${local} ${remote}`
    const cancel = this.#requested.get(pair)
    if (cancel === undefined) return
    cancel()
    this.#requested.delete(pair)
    const link = this.#link
    const { type } = element.attrs
    if (type === 'valid') {
      link.maySendFrom(local, remote)
      if (link.isBidi && link.belief !== undefined && link.belief !== 'exception') link.mayReceiveFrom(remote, local)
    } else
      link.federation.peer(remote).refused(link, local, failure(type === 'invalid' ? 'it does not believe us' : 'it refused our domain'))
  }

  /** Receiving Server, step 1: the key is checked while the stream goes on. */
  #keyGiven(element: Element, { from: sender, to: target }: Addressed): void {
    const link = this.#link
    const answer = (verdict: Verdict): void => this.#write('result', { from: target, to: sender }, '', {}, verdict)
    const reason = this.#refusal(sender, target)
    if (reason !== undefined) {
      answer(reason)
      return
    }
    if (link.receives(sender, target)) {
      answer('valid')
      return
    }
    const checked = `${sender} ${target}`
    if (this.#checked.has(checked)) return
    if (this.#checked.size >= MOST_CHECKED || link.proofs.pairs >= MOST_PAIRS || this.#mustWait) {
      answer('resource-constraint')
      return
    }
    this.#checked.add(checked)
    const key = element.text.trim()
    const verdict =
      key.length > LONGEST_KEY ? Promise.resolve<Verdict>('invalid') : this.#check({ target, sender, streamId: link.streamId }, key)
    verdict
      .catch((error: unknown): Verdict => {
        link.federation.log.fault('dialback.failed', error)
        return 'internal-server-error'
      })
      .then(verdict => {
        this.#checked.delete(checked)
        if (verdict !== 'valid') this.#failed++
        if (!link.isClosed) this.#conclude(verdict, { sender, target }, answer)
      })
  }

  /** Each key has us ask DNS and connect to a place of the other side's choice. */
  get #mustWait(): boolean {
    const now = this.#link.federation.clock.now()
    if (now - this.#failedSince >= FAILED_WITHIN) {
      this.#failedSince = now
      this.#failed = 0
    }
    return this.#failed >= MOST_FAILED
  }

  /** Why the pair is not even checked. */
  #refusal(sender: string, target: string): Condition | undefined {
    const { federation } = this.#link
    if (!federation.isOpen(target)) return 'item-not-found'
    if (federation.isLocal(sender)) return 'not-acceptable'
    if (!federation.settings.isAllowed(sender)) return 'policy-violation'
    return federation.settings.mechanisms.dialback ? undefined : 'not-authorized'
  }

  /**
   * XEP-0288 §2: a key is never checked on the connection that it came by. On one that we have opened ourselves the
   * other side has shown a certificate, and that must name the domain.
   */
  async #check(vouched: Vouched, key: string): Promise<Verdict> {
    const link = this.#link
    if (link.isIncoming) return link.federation.peer(vouched.sender).verify(vouched, key)
    if (!link.isBidi) return 'not-acceptable'
    const judgement = await link.federation.judge(link, vouched.sender)
    // A domain that is believed without a certificate is believed where it is found alone.
    return judgement.isBelieved && judgement.by !== 'exception' ? 'valid' : 'not-authorized'
  }

  #conclude(verdict: Verdict, { sender, target }: { sender: string; target: string }, answer: (verdict: Verdict) => void): void {
    const link = this.#link
    if (verdict === 'invalid') {
      // §2.2.1: who has proved nothing else has lied or is in disorder; else only this pair is refused.
      if (link.isAuthenticated) {
        answer('forbidden')
        return
      }
      answer('invalid')
      link.end('it does not believe us')
      return
    }
    answer(verdict)
    if (verdict !== 'valid') return
    link.remote ||= sender
    link.mayReceiveFrom(sender, target)
    if (link.isBidi) this.#sendBack(sender, target).catch((error: unknown) => link.federation.log.fault('dialback.failed', error))
  }

  /**
   * XEP-0288: what is for the domain may go over the same connection, but only if its certificate is believed, too. A key alone can
   * be passed on by whoever stands between us and a server that believes any certificate: he would read all that is written to it.
   */
  async #sendBack(sender: string, target: string): Promise<void> {
    const link = this.#link
    const judgement = await link.federation.judge(link, sender)
    if (judgement.isBelieved && judgement.by !== 'exception' && !link.isClosed) link.maySendFrom(target, sender)
  }

  /** Authoritative Server, step 3: did we make this key? */
  #asked(element: Element, { from: target, to: sender }: Addressed): void {
    const { federation, isIncoming, isBidi } = this.#link
    const id = element.attrs['id'] ?? ''
    const answer = (verdict: Verdict): void => this.#write('verify', { from: sender, to: target }, '', { id }, verdict)
    if (!isIncoming && !isBidi) return
    if (!federation.isOpen(sender)) {
      answer('item-not-found')
      return
    }
    const key = element.text.trim()
    answer(key.length <= LONGEST_KEY && federation.keys.isRight(key, { target, sender, streamId: id }) ? 'valid' : 'invalid')
  }

  /** Receiving Server: step 3 has been answered. */
  #vouched(element: Element, { from: sender, to: target }: Addressed): void {
    const question = `${target} ${sender} ${element.attrs['id'] ?? ''}`
    const tell = this.#questions.get(question)
    if (tell === undefined) return
    this.#questions.delete(question)
    const { type } = element.attrs
    tell(type === 'valid' || type === 'invalid' ? type : 'remote-server-not-found')
  }

  #write(name: 'result' | 'verify', { from, to }: Addressed, key: string, attrs: { id?: string } = {}, verdict?: Verdict): void {
    const said = verdict === undefined || verdict === 'valid' || verdict === 'invalid'
    const type = verdict === undefined ? '' : ` type='${said ? verdict : 'error'}'`
    const id = attrs.id === undefined ? '' : ` id='${escapeAttribute(attrs.id)}'`
    const inner = said ? escapeText(key) : new StanzaError(verdict).toElement().toString('jabber:client')
    this.#link.write(`<db:${name} from='${escapeAttribute(from)}' to='${escapeAttribute(to)}'${id}${type}>${inner}</db:${name}>`)
  }
}

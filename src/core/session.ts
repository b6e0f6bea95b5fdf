import type { Element } from '../xml/element.ts'
import type { StreamError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import type { Account } from './account.ts'
import type { Custody } from './custody.ts'
import type { UnderWay } from './under-way.ts'

/** A stanza's place in a stream that the client acknowledges (XEP-0198): the `seq`-th after `<enabled/>`, modulo 2³². */
export interface Position {
  readonly stream: string
  readonly seq: number
}

/** What carries a session's stanzas to its client. */
export interface Transport {
  send(stanza: Element, custody: Custody | undefined): void
  /** Where the stanza sent last stands; undefined while the client does not acknowledge. */
  readonly position: Position | undefined
  /**
   * Once the stream has ended: where those stand in it that are on disk, and that the client of another of the account's sessions has
   * acknowledged. None where it is undefined.
   */
  readonly taken?: readonly Position[]
  /** The client has gone, and may come back (XEP-0198 §5). */
  readonly isAway?: boolean
  /** Ends the stream, with an error if there is one. */
  close(error: StreamError | undefined): void
  /**
   * Before the server stops: ends the stream, and puts what the client has not acknowledged on disk under its position, so
   * that a client which resumes later gets nothing twice. Undefined where the client cannot resume.
   */
  suspend?(error: StreamError): Promise<unknown> | undefined
}

/** Holds stanzas back, as for a client that is inactive (XEP-0352). */
export interface Gate {
  /** True: the gate has the stanza and will send it later, past itself. */
  holds(stanza: Element, custody: Custody | undefined): boolean
}

/** One client of an account: lives from resource binding until its end, over several connections if it is resumed. */
export class Session {
  readonly account: Account
  readonly jid: Jid
  /** The last available presence that it broadcast; undefined while it is unavailable (RFC 6121 §4.2). */
  presence: Element | undefined
  /** −128 to 127, of its presence (RFC 6121 §4.7.2.3). */
  priority = 0
  gate: Gate | undefined
  transport: Transport
  /** What its client is known as, if it has said who it is (see `Tokens.clientOf`). */
  client: string | undefined
  isEnded = false
  /** Messages that were kept for it have been sent and wait on disk for its acknowledgement. */
  hasKept = false
  /** Its stanzas that others have not dealt with at once; undefined until there was one. */
  underWay: UnderWay | undefined

  constructor(account: Account, jid: Jid, transport: Transport) {
    this.account = account
    this.jid = jid
    this.transport = transport
  }

  get isAvailable(): boolean {
    return this.presence !== undefined
  }

  send(stanza: Element, custody?: Custody): void {
    if (this.gate?.holds(stanza, custody)) return
    this.transport.send(stanza, custody)
  }

  /** Past the gate: for the gate itself. */
  sendNow(stanza: Element, custody?: Custody): void {
    this.transport.send(stanza, custody)
  }
}

import { type Element, namespace } from '../xml/element.ts'

/** Every stanza error condition of RFC 6120 §8.3.3, with the type it usually carries. */
const USUAL_TYPE = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const

export type Condition = keyof typeof USUAL_TYPE
export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

const Stanzas = namespace<Condition | 'text'>('urn:ietf:params:xml:ns:xmpp-stanzas')
const ClientError = namespace<'error'>('jabber:client')

/** Whether an element names a condition of stanza errors. */
export const isCondition = ({ ns, name }: Element): boolean => ns === Stanzas.uri && Object.hasOwn(USUAL_TYPE, name)

/** Throw this to answer a stanza with an error. What `text` says reaches the sender. */
export class StanzaError extends Error {
  readonly condition: Condition
  readonly type: ErrorType
  readonly extra: Element | undefined
  /** Of `gone` and `redirect`: where to turn to, as a URI (RFC 6120 §8.3.3.5). */
  readonly uri: string | undefined

  /** Stands beside the error, where a specification wants it. */
  readonly payload: Element | undefined
  /** XEP-0086: for clients that look at nothing else. */
  readonly code: number | undefined
  /** Whose error it is, where several may have made it (RFC 6120 §8.3.1). */
  readonly by: string | undefined

  constructor(
    condition: Condition,
    text = '',
    options: { type?: ErrorType; extra?: Element; uri?: string; payload?: Element; code?: number; by?: string; cause?: unknown } = {},
  ) {
    super(text, { cause: options.cause })
    this.name = 'StanzaError'
    this.condition = condition
    this.type = options.type ?? USUAL_TYPE[condition]
    this.extra = options.extra
    this.uri = options.uri
    this.payload = options.payload
    this.code = options.code
    this.by = options.by
  }

  /** The same with more about it. */
  with(more: { readonly payload?: Element; readonly by?: string }): StanzaError {
    const { condition, message, type, extra, uri, payload, code, by, cause } = this
    return new StanzaError(condition, message, {
      type,
      cause,
      ...(extra !== undefined && { extra }),
      ...(uri !== undefined && { uri }),
      ...(payload !== undefined && { payload }),
      ...(code !== undefined && { code }),
      ...(by !== undefined && { by }),
      ...more,
    })
  }

  toElement(): Element {
    const condition = this.uri === undefined ? Stanzas(this.condition) : Stanzas(this.condition, {}, this.uri)
    const error = ClientError('error', { type: this.type, code: this.code?.toString(), by: this.by }, condition)
    const described = this.message === '' ? error : error.add(Stanzas('text', { 'xml:lang': 'en' }, this.message))
    return this.extra === undefined ? described : described.add(this.extra)
  }
}

/** Every stream error condition of RFC 6120 §4.9.3. */
export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'see-other-host'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-feature'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

const Streams = namespace<StreamCondition | 'text'>('urn:ietf:params:xml:ns:xmpp-streams')
const Etherx = namespace<'error'>('http://etherx.jabber.org/streams')

/** Throw this to end a stream. What `text` says reaches the peer. */
export class StreamError extends Error {
  readonly condition: StreamCondition
  readonly extra: Element | undefined

  constructor(condition: StreamCondition, text = '', extra?: Element) {
    super(text)
    this.name = 'StreamError'
    this.condition = condition
    this.extra = extra
  }

  toElement(): Element {
    const error = Etherx('error', {}, Streams(this.condition))
    const described = this.message === '' ? error : error.add(Streams('text', { 'xml:lang': 'en' }, this.message))
    return this.extra === undefined ? described : described.add(this.extra)
  }
}

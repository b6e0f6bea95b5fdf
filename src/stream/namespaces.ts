import { namespace } from '../xml/element.ts'

/** The elements of stream negotiation, by the specification that defines them. */
export const Etherx = namespace<'stream' | 'features' | 'error'>('http://etherx.jabber.org/streams')
export const Tls = namespace<'starttls' | 'proceed' | 'failure' | 'required'>('urn:ietf:params:xml:ns:xmpp-tls')
export const Sasl = namespace<
  'mechanisms' | 'mechanism' | 'auth' | 'challenge' | 'response' | 'abort' | 'success' | 'failure' | 'text' | (string & {})
>('urn:ietf:params:xml:ns:xmpp-sasl')
export const Sasl2 = namespace<
  | 'authentication'
  | 'mechanism'
  | 'inline'
  | 'authenticate'
  | 'initial-response'
  | 'user-agent'
  | 'software'
  | 'device'
  | 'challenge'
  | 'response'
  | 'success'
  | 'failure'
  | 'abort'
  | 'continue'
  | 'additional-data'
  | 'authorization-identifier'
  | 'tasks'
  | 'task'
  | 'next'
  | 'task-data'
>('urn:xmpp:sasl:2')
export const Fast = namespace<'fast' | 'mechanism' | 'request-token' | 'token'>('urn:xmpp:fast:0')
export const SaslUpgrade = namespace<'upgrade'>('urn:xmpp:sasl:upgrade:0')
export const ScramUpgrade = namespace<'salt' | 'hash'>('urn:xmpp:scram-upgrade:0')
export const ChannelBindings = namespace<'sasl-channel-binding' | 'channel-binding'>('urn:xmpp:sasl-cb:0')
export const Bind = namespace<'bind' | 'jid' | 'resource'>('urn:ietf:params:xml:ns:xmpp-bind')
export const Bind2 = namespace<'bind' | 'bound' | 'inline' | 'feature' | 'tag'>('urn:xmpp:bind:0')
/** RFC 3921 §3: gone since RFC 6121, still asked for by old clients. */
export const OldSession = namespace<'session' | 'optional'>('urn:ietf:params:xml:ns:xmpp-session')
export const Sm = namespace<'sm' | 'enable' | 'enabled' | 'resume' | 'resumed' | 'failed' | 'r' | 'a' | 'handled-count-too-high'>(
  'urn:xmpp:sm:3',
)
export const Stanzas = namespace<'item-not-found' | 'unexpected-request' | 'feature-not-implemented'>('urn:ietf:params:xml:ns:xmpp-stanzas')
/** RFC 7395 §3.3. */
export const Framing = namespace<'open' | 'close'>('urn:ietf:params:xml:ns:xmpp-framing')
export const Mam = namespace<'result'>('urn:xmpp:mam:2')
export const Ping = namespace<'ping'>('urn:xmpp:ping')

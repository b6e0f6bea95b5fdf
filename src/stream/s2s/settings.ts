import type { XmlLimits } from '../../xml/parser.ts'

/** What all streams between servers have in common. */
export interface ServerStreamSettings {
  /** Before the other side has proved a domain, and after it. */
  readonly xmlBefore: XmlLimits
  readonly xmlAfter: XmlLimits
  /** How long the other side may take until it has proved a domain, ms. */
  readonly timeToAuthenticate: number
  /** A connection over which no stanza went for so long is closed, ms; up to a tenth more, so that not all close at once. */
  readonly idleAfter: number
  /** Without a byte for so long the other side is asked for a sign of life, ms. */
  readonly silentAfter: number
  /** And given up when it does not answer for so long, ms. */
  readonly answerWithin: number
  /** Bytes that may wait for a server that does not read. */
  readonly outputBuffer: number
  /** Bytes that one connection may bring per second on average, and at once; 0: as many as it likes. */
  readonly bytesPerSecond: number
  readonly burst: number
  /** What may wait for one domain that is not connected, or has not acknowledged enough. */
  readonly queue: QueueLimits
  /** What one connection may have sent that is not acknowledged, where the other side acknowledges. */
  readonly window: WindowLimits
  /** How servers may prove their domains to us, and we ours to them. */
  readonly mechanisms: { readonly external: boolean; readonly dialback: boolean }
  /** Whether we may talk with a domain at all. */
  isAllowed(domain: string): boolean
  /** Domains whose certificate need not be believed: the operator says so, by name. */
  isException(domain: string): boolean
  /** Whether a domain must not see which of ours are served together: then each has a connection of its own. */
  isApart(domain: string): boolean
}

export interface WindowLimits {
  readonly stanzas: number
  readonly bytes: number
}

export interface QueueLimits {
  readonly stanzas: number
  readonly bytes: number
  /** ms; older ones are returned with `remote-server-timeout`. */
  readonly age: number
}

import type { XmlLimits } from '../../xml/parser.ts'

/** What all streams of components have in common. */
export interface ComponentSettings {
  /** Before the handshake and after it. */
  readonly xmlBefore: XmlLimits
  readonly xmlAfter: XmlLimits
  /** How long a component may take until its handshake, ms. */
  readonly timeToShake: number
  /** Without a byte for so long, it is sent a sign of life, which shows whether the connection still stands, ms. */
  readonly idleAfter: number
  /** Bytes that may wait for a component that does not read. What comes beyond that is refused. */
  readonly outputBuffer: number
  /** And for how long they may, ms. Then the connection is given up. */
  readonly stuckFor: number
}

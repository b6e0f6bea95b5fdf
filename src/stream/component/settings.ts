import type { XmlLimits } from '../../xml/parser.ts'

/** One timer for all connections ticks this often, ms. */
export const TICK = 1000

/** What all streams of components have in common. */
export interface ComponentSettings {
  /** Before the handshake and after it. */
  readonly xmlBefore: XmlLimits
  readonly xmlAfter: XmlLimits
  /** How long a component may take until its handshake, ms. */
  readonly timeToShake: number
  /** Without a byte for so long, it is sent a sign of life, which shows whether the connection still stands, ms. */
  readonly idleAfter: number
  /** A connection that was heard within this time is alive, and no other one takes its place, ms. */
  readonly aliveFor: number
  /** Bytes that may wait for a component that does not read. What comes beyond that is refused. */
  readonly outputBuffer: number
  /** And for how long they may, ms. Then the connection is given up. */
  readonly stuckFor: number
}

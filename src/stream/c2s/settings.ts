import type { LocalHost } from '../../core/host.ts'
import type { CredentialSource } from '../../sasl/credential-source.ts'
import type { MechanismSwitches } from '../../sasl/mechanisms.ts'
import type { XmlLimits } from '../../xml/parser.ts'
import type { ManagementLimits } from './management.ts'
import type { ResumableStreams } from './resumable-streams.ts'

/** What all client streams of the process have in common. */
export interface StreamSettings {
  /** Before authentication and after it. */
  readonly xmlBefore: XmlLimits
  readonly xmlAfter: XmlLimits
  /** How long a client may take until its resource is bound, ms. */
  readonly timeToBind: number
  /** Without a byte for so long, a client is asked for a sign of life, ms. */
  readonly idleAfter: number
  /** And given up when it does not answer for so long, ms. */
  readonly answerWithin: number
  /** Bytes that may wait for a client that does not read. */
  readonly outputBuffer: number
  /** Bytes a client may send per second on average; 0: as many as it likes. */
  readonly bytesPerSecond: number
  /** Bytes it may send at once. */
  readonly burst: number
  readonly management: ManagementLimits
  readonly mechanisms: MechanismSwitches
}

/** One domain, as the stream layer needs it. */
export interface ServedHost {
  readonly host: LocalHost
  readonly credentials: CredentialSource
  readonly streams: ResumableStreams
}

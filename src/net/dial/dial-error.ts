/** Why there is no connection to a server. */
export type DialFailure = 'not-found' | 'dns' | 'not-offered' | 'refused-network' | 'unreachable' | 'timeout'

const SENTENCES: Readonly<Record<DialFailure, string>> = {
  'not-found': 'The server has no address.',
  dns: 'The address of the server could not be found.',
  'not-offered': 'The domain says that it has no such service.',
  'refused-network': 'The server is in a network that may not be connected to.',
  unreachable: 'The server could not be reached.',
  timeout: 'The server could not be reached in time.',
}

/** No connection came about. The message names nobody, so that it may be logged. */
export class DialError extends Error {
  readonly kind: DialFailure

  constructor(kind: DialFailure, options?: ErrorOptions) {
    super(SENTENCES[kind], options)
    this.name = 'DialError'
    this.kind = kind
  }
}

/** RFC 2782, "Target": the domain has records which say that the service is decidedly not available there. */
export class NotOffered extends DialError {
  constructor() {
    super('not-offered')
    this.name = 'NotOffered'
  }
}

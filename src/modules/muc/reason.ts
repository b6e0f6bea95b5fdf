import { StanzaError } from '../../xmpp/error.ts'

const LONGEST = 500

/** A reason that may be told, and kept. */
export function mustBeShort(reason: string | undefined): string | undefined {
  if (reason !== undefined && reason.length > LONGEST)
    throw new StanzaError('policy-violation', `a reason has ${LONGEST} characters at most`)
  return reason
}

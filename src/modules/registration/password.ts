import { StanzaError } from '../../xmpp/error.ts'
import { opaqueString } from '../../xmpp/precis/profiles.ts'

const LONGEST = 1024

/** Throws `not-acceptable` for a password that cannot be typed everywhere, is too short, or is the first one that anybody tries. */
export function mustBePassword(password: string, name: string, domain: string, shortest: number): void {
  const fault = faultOf(password, name, domain, shortest)
  if (fault !== undefined) throw new StanzaError('not-acceptable', fault)
}

function faultOf(password: string, name: string, domain: string, shortest: number): string | undefined {
  if (password.length > LONGEST) return 'this password is too long'
  const prepared = opaqueString(password)
  if (prepared === undefined) return 'this password has characters that cannot be typed everywhere'
  if ([...prepared].length < shortest) return `a password has at least ${shortest} characters`
  if ([name, domain, `${name}@${domain}`].includes(prepared.toLowerCase())) return 'this password is easy to guess'
  return undefined
}

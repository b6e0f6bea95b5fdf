/** Nicks: which there may be, and which are one to people (XEP-0045 §17.1.1). */
import { StanzaError } from '../../xmpp/error.ts'

const LONGEST = 100
/** Spaces, and what is not seen. */
const INVISIBLE = /[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** The same for nicks that look the same to people but for case, width and spaces: two persons cannot have them at a time. */
export const nickKey = (nick: string): string => nick.normalize('NFKC').replace(INVISIBLE, '').toLowerCase().normalize('NFKC')

/** §7.2.1 and §17.1.1. Throws for a nick that nobody may have. */
export function mustBeNick(nick: string): void {
  if (nickKey(nick) === '') throw new StanzaError('jid-malformed', 'a nick is needed that can be seen')
  if (nick.length > LONGEST) throw new StanzaError('policy-violation', `a nick has ${LONGEST} characters at most`)
}

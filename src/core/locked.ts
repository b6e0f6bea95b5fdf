import { StanzaError } from '../xmpp/error.ts'

/** For who asks for something sealed while nobody is there who could open it. */
export const lockedError = (): StanzaError => new StanzaError('not-allowed', 'log in with your password first')

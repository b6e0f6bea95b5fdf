import { namespace } from '../../xml/element.ts'

/** What somebody says who enters (XEP-0045 §18.1). */
export const Muc = namespace<'x' | 'history' | 'password'>('http://jabber.org/protocol/muc')

/** What rooms say of their occupants, and what goes through them. */
export const MucUser = namespace<'x' | 'item' | 'actor' | 'reason' | 'status' | 'destroy' | 'invite' | 'decline' | 'password' | 'continue'>(
  'http://jabber.org/protocol/muc#user',
)

/** What moderators and admins say (XEP-0045 §8, §9). */
export const MucAdmin = namespace<'query' | 'item' | 'reason' | 'actor'>('http://jabber.org/protocol/muc#admin')

/** What owners say (§10). */
export const MucOwner = namespace<'query' | 'destroy' | 'reason' | 'password'>('http://jabber.org/protocol/muc#owner')

/** Versions of affiliations (XEP-0463). */
export const Mav = namespace<'mav'>('urn:xmpp:muc:affiliations:1')

/** Anonymous unique occupant identifiers (XEP-0421). */
export const OccupantIds = namespace<'occupant-id'>('urn:xmpp:occupant-id:0')

/** Unique and Stable Stanza IDs (XEP-0359). */
export const StanzaIds = namespace<'stanza-id' | 'origin-id'>('urn:xmpp:sid:0')

export const Ping = namespace<'ping'>('urn:xmpp:ping')

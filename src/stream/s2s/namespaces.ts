import { namespace } from '../../xml/element.ts'

/** XEP-0220. By custom, and for the sake of old servers, written with the prefix `db`. */
export const Dialback = namespace<'result' | 'verify'>('jabber:server:dialback')
/** XEP-0220 §2.4.2. */
export const DialbackFeature = namespace<'dialback' | 'errors'>('urn:xmpp:features:dialback')
/** XEP-0288. */
export const Bidi = namespace<'bidi'>('urn:xmpp:bidi')
export const BidiFeature = namespace<'bidi'>('urn:xmpp:features:bidi')

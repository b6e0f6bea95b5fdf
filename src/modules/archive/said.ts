import type { Element } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { forwardedXml } from '../../xmpp/forward.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { pageElement } from '../../xmpp/rsm.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { Answer, End, Found } from './pages.ts'
import { Mam, type Query } from './query.ts'

/** XEP-0313 §4.2: a message for each that was found, in the order in which they were asked for. */
export function resultElements(from: Jid, to: Jid, { queryid, isFlipped }: Query, { found }: Pick<Answer, 'found'>): Element[] {
  const addresses = { from: String(from), to: String(to) }
  const result = ({ id, at, message }: Found): Element =>
    Client('message', addresses, Mam('result', { queryid, id }, forwardedXml(message, at)))
  return (isFlipped ? found.toReversed() : found).map(result)
}

/** What says that these were all. */
export const finElement = ({ page, isComplete }: Pick<Answer, 'page' | 'isComplete'>): Element =>
  Mam('fin', { complete: isComplete ? 'true' : undefined }, pageElement(page))

/** §5; of an empty archive nothing is said. */
export function metadataElement(ends: { readonly start: End; readonly end: End } | undefined): Element {
  if (ends === undefined) return Mam('metadata')
  const end = (name: 'start' | 'end'): Element => Mam(name, { id: ends[name].id, timestamp: writeDateTime(ends[name].at) })
  return Mam('metadata', {}, end('start'), end('end'))
}

// XEP-0359: Unique and Stable Stanza IDs

import type { Account } from '../core/account.ts'
import { defineModule, xep } from '../core/module.ts'
import { type Incoming, messageIn, messageOut, type Outgoing } from '../core/points.ts'
import { type Element, namespace } from '../xml/element.ts'
import { Jid } from '../xmpp/jid.ts'

const StanzaIds = namespace<'stanza-id'>('urn:xmpp:sid:0')

export const stanzaId = defineModule({
  name: 'stanza-id',
  about: 'Nobody can forge the ids that an account’s server gives to messages.',
  xeps: [xep(359, '0.7.0')],
  features: [StanzaIds.uri],
  accountFeatures: [StanzaIds.uri],

  setup({ on }) {
    /** §3.2: an id that claims to be of the account must go, whoever wrote it. */
    function removeForged(envelope: Incoming | Outgoing): void {
      const { account, stanza } = envelope
      if (stanza.child(StanzaIds, 'stanza-id') === undefined) return
      envelope.stanza = stanza.without(child => child.is(StanzaIds, 'stanza-id') && isBy(child, account))
    }
    on(messageOut.change, removeForged)
    on(messageIn.change, removeForged)
  },
})

/** The id that a message has in the account's archive. Clients take it for nothing else (XEP-0313 §3.4), so no other message has one. */
export function stanzaIdElement(account: Account, id: string): Element {
  return StanzaIds('stanza-id', { id, by: String(account.jid) })
}

/** The same, of a message that has been through `messageIn.store`. */
export function stanzaIdOf(message: Element, account: Account): string | undefined {
  const by = String(account.jid)
  return message.all(StanzaIds, 'stanza-id').find(element => element.attrs['by'] === by)?.attrs['id']
}

/** Addresses are compared as addresses, so that no other spelling passes (§3.7). What is no address claims nothing. */
function isBy(element: Element, account: Account): boolean {
  const by = element.attrs['by'] ?? ''
  if (by === String(account.jid)) return true
  try {
    return Jid.parse(by).equals(account.jid)
  } catch {
    return false
  }
}

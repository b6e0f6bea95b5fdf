// XEP-0359: Unique and Stable Stanza IDs

import type { Account } from '../core/account.ts'
import { defineModule, xep } from '../core/module.ts'
import { type Incoming, messageIn, messageOut, type Outgoing } from '../core/points.ts'
import { randomId } from '../lib/random.ts'
import { type Element, namespace } from '../xml/element.ts'
import { isStore } from '../xmpp/hints.ts'
import { Jid } from '../xmpp/jid.ts'
import { Client } from '../xmpp/stanza.ts'

const StanzaIds = namespace<'stanza-id'>('urn:xmpp:sid:0')

export const stanzaId = defineModule({
  name: 'stanza-id',
  about: 'Gives each message to an account an id that nobody else can forge.',
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
    on(messageIn.change, function stampId(envelope) {
      const { account, stanza } = envelope
      if (!isConversation(stanza)) return
      const id = randomId(16)
      envelope.stanza = stanza.add(StanzaIds('stanza-id', { id, by: String(account.jid) }))
    })
  },
})

/** The id that the account's server gave to the message, if it has been through `messageIn.change`. */
export function stanzaIdOf(message: Element, account: Account): string | undefined {
  const by = String(account.jid)
  return message.all(StanzaIds, 'stanza-id').find(element => element.attrs['by'] === by)?.attrs['id']
}

function isConversation(message: Element): boolean {
  const { type } = message.attrs
  if (type === 'error' || type === 'groupchat' || type === 'headline') return false
  return message.child(Client, 'body') !== undefined || isStore(message)
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

import type { Jid } from '../../xmpp/jid.ts'

/** Addresses that an account blocks: prepared texts of full and bare addresses and of domains. */
export type BlockList = ReadonlySet<string>

export const NOBODY: BlockList = new Set()

/** XEP-0191 §6: an address blocks itself and what is under it. A domain with a resource is only itself. */
export function covers(list: BlockList, jid: Jid): boolean {
  return list.size > 0 && (list.has(String(jid)) || list.has(String(jid.bare)) || list.has(jid.domain))
}

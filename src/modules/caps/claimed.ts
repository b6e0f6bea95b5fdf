import { type Element, namespace } from '../../xml/element.ts'

export const Caps = namespace<'c'>('http://jabber.org/protocol/caps')

/** What a client says of itself in its presence (XEP-0115 §4). */
export interface ClaimedCaps {
  readonly node: string
  readonly ver: string
  /** The hash function; undefined in the format of before version 1.4, in which `ver` proves nothing. */
  readonly hash: string | undefined
}

export function claimedCaps(presence: Element): ClaimedCaps | undefined {
  const { node, ver, hash } = presence.child(Caps, 'c')?.attrs ?? {}
  return node === undefined || ver === undefined ? undefined : { node, ver, hash }
}

import { type Element, namespace } from '../../xml/element.ts'

export const Caps = namespace<'c'>('http://jabber.org/protocol/caps')

/** So many characters each part may have: SHA-512 has 88. Who says more has said nothing. */
const LONGEST = 256

/** What a client says of itself in its presence (XEP-0115 §4). */
export interface ClaimedCaps {
  readonly node: string
  readonly ver: string
  /** The hash function; undefined in the format of before version 1.4, in which `ver` proves nothing. */
  readonly hash: string | undefined
}

export function claimedCaps(presence: Element): ClaimedCaps | undefined {
  const { node, ver, hash } = presence.child(Caps, 'c')?.attrs ?? {}
  if (node === undefined || ver === undefined) return undefined
  return [node, ver, hash ?? ''].some(text => text.length > LONGEST) ? undefined : { node, ver, hash }
}

import { createHash } from 'node:crypto'
import { Recent } from '../../lib/recent.ts'
import { capsHash, hashedTexts } from '../../xmpp/caps-hash.ts'
import type { Info } from '../../xmpp/disco.ts'
import type { ClaimedCaps } from './claimed.ts'

/** So many kinds of clients are remembered, and of each so many nodes with names of so many characters. */
const MOST_KINDS = 1000
const MOST_INTERESTS = 200
const LONGEST_NODE = 256

const NOTIFY = '+notify'

/** The nodes of which a client wants to hear (XEP-0060 §9.2). */
export type Interests = ReadonlySet<string>
export const NO_INTERESTS: Interests = new Set()

/** By IANA's names of hash functions (XEP-0115 §5.1), as OpenSSL calls them. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-1', 'sha1'],
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
])

/** What kinds of clients there are, by the hash of what they can do. In memory alone, and of nobody in particular. */
export class KnownClients {
  readonly #interests = new Recent<string, Interests>(MOST_KINDS)

  get(claimed: ClaimedCaps): Interests | undefined {
    return this.#interests.get(keyOf(claimed))
  }

  /**
   * A client has said what it can do. It is remembered for all of its kind only if it has the hash that it claims (XEP-0115 §5.4), so
   * that nobody speaks for others.
   */
  learn(claimed: ClaimedCaps, info: Info): Interests {
    const interests = interestsIn(info)
    const algorithm = ALGORITHMS.get(claimed.hash ?? '')
    if (algorithm !== undefined && saysAllInterests(info) && capsHash(info, algorithm) === claimed.ver)
      this.#interests.set(keyOf(claimed), interests)
    return interests
  }
}

/** The hash does not tell features from what forms hold (XEP-0115 §9.3): whatever looks like an interest must be one. */
const saysAllInterests = (info: Info): boolean =>
  hashedTexts(info)?.filter(isInterest).length === [...info.features].filter(isInterest).length

const isInterest = (text: string): boolean => text.endsWith(NOTIFY)

/** Of the same length whatever a client claims. */
const keyOf = ({ hash = '', ver }: ClaimedCaps): string =>
  createHash('sha256')
    .update(JSON.stringify([hash, ver]))
    .digest('base64')

function interestsIn({ features }: Info): Interests {
  const interests = new Set<string>()
  for (const feature of features) {
    if (!isInterest(feature) || feature.length > LONGEST_NODE + NOTIFY.length || interests.size >= MOST_INTERESTS) continue
    // A text of its own: a part of the answer would keep all of it in memory.
    interests.add(Buffer.from(feature.slice(0, -NOTIFY.length)).toString())
  }
  return interests.size === 0 ? NO_INTERESTS : interests
}

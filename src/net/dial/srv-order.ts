import { randomInt } from 'node:crypto'
import type { SrvRecord } from '../dns/message.ts'

/** Orders records by RFC 2782: by priority, and by chance according to weight among equals. `random` gives 0 to below its argument. */
export function inSrvOrder<R extends SrvRecord>(records: readonly R[], random: (below: number) => number = randomInt): R[] {
  const byPriority = Map.groupBy(records, ({ priority }) => priority)
  return [...byPriority].toSorted(([one], [other]) => one - other).flatMap(([, group]) => byWeight(group, random))
}

function byWeight<R extends SrvRecord>(group: readonly R[], random: (below: number) => number): R[] {
  // Those of weight 0 stand first, so that they have a small chance at all.
  const left = group.toSorted((one, other) => Number(one.weight > 0) - Number(other.weight > 0))
  const ordered: R[] = []
  while (left.length > 0) {
    let rest = random(left.reduce((sum, { weight }) => sum + weight, 0) + 1)
    const at = left.findIndex(({ weight }) => (rest -= weight) <= 0)
    ordered.push(...left.splice(at, 1))
  }
  return ordered
}

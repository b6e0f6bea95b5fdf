/** Numbers that only look random: the same seed gives the same run (xorshift32). */
export interface Random {
  /** A whole number from 0 to below `count`. */
  below(count: number): number
  pick<T>(from: readonly T[]): T
  /** True once in `times`. */
  once(times: number): boolean
}

export function random(seed: number): Random {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x2545f491) | 0 || 1
  const below = (count: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % count
  }
  return { below, pick: from => from[below(from.length)]!, once: times => below(times) === 0 }
}

/** The known word that a mistyped one was probably meant to be; undefined if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known.map(other => ({ other, steps: distance(word, other) })).sort((a, b) => a.steps - b.steps)
  return best && best.steps <= Math.max(1, Math.floor(best.other.length / 3)) ? best.other : undefined
}

/** How many letters to add, take, change or swap with the next (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, change, isSwap ? rows[i - 2]![j - 2]! + 1 : change))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

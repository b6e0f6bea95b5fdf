const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const

/** Reads a size such as `'256KiB'`: its bytes, or undefined if it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,9})(B|KiB|MiB|GiB|TiB)$/.exec(text)
  const bytes = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : undefined
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Writes a number of bytes for people, to one decimal place: `'1.5 GiB'`. */
export function formatBytes(bytes: number): string {
  const [unit, length] = Object.entries(UNITS).findLast(([, length]) => bytes >= length) ?? ['B', 1]
  return `${Number((bytes / length).toFixed(1))} ${unit}`
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/

/** The moment in ms that a DateTime names (XEP-0082 §3.2), undefined if it is none. What is finer than a millisecond is dropped. */
export function readDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const local = new Date(0)
  local.setUTCFullYear(year, month - 1, day)
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined
  local.setUTCHours(hour, minute, second, Number((match[7] ?? '').slice(0, 3).padEnd(3, '0')))
  const offset = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)
  if (offset > LARGEST_OFFSET || Number(match[10] ?? 0) > 59) return undefined
  return local.getTime() - (match[8] === '-' ? -offset : offset) * 60_000
}

/** Minutes that a time zone may differ from UTC (XML Schema part 2, §3.2.7.3). */
const LARGEST_OFFSET = 14 * 60

/** The moment in UTC, with milliseconds, so that reading it back gives the same number. */
export function writeDateTime(at: number): string {
  return new Date(at).toISOString()
}

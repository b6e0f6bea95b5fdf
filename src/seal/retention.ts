/** For how many days the server keeps; `8` stands for "until delivered". */
export type RetentionClass = 1 | 7 | 8 | 30

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What a period is, and how long its secret lives after the period has ended, in ms. Where a day would double the span it is an hour. */
const RETENTION: Readonly<Record<RetentionClass, { readonly period: number; readonly kept: number }>> = {
  1: { period: HOUR, kept: DAY },
  7: { period: DAY, kept: 7 * DAY },
  8: { period: DAY, kept: 7 * DAY },
  30: { period: DAY, kept: 30 * DAY },
}

export function isRetentionClass(cls: number): cls is RetentionClass {
  return Object.hasOwn(RETENTION, cls)
}

/** The period of a class to which a time belongs: UTC days since 1970, or hours. */
export function periodOf(cls: RetentionClass, ms: number): number {
  return Math.floor(ms / RETENTION[cls].period)
}

/** When a period begins, in ms. */
export function startOf(cls: RetentionClass, period: number): number {
  return period * RETENTION[cls].period
}

/** From when on, in ms, the secret of a period is destroyed. */
export function endOf(cls: RetentionClass, period: number): number {
  return startOf(cls, period + 1) + RETENTION[cls].kept
}

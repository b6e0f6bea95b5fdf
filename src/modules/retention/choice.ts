import { endOf, type RetentionClass } from '../../core/sealed-log.ts'

/** How long a user's messages are kept on the server; each keeps more than the one before. */
export const CHOICES = ['relay', 'delivered', '1d', '7d', '30d'] as const
export type Choice = (typeof CHOICES)[number]

/** For the user who chooses. */
export const LABELS: Readonly<Record<Choice, string>> = {
  relay: 'Nothing: while no device of mine is connected, the sender is told so',
  delivered: 'Until a device of mine has them, 7 days at most',
  '1d': 'One day',
  '7d': '7 days',
  '30d': '30 days',
}

export const isChoice = (text: string | undefined): text is Choice => CHOICES.includes(text as Choice)

export const keepsMore = (one: Choice, other: Choice): boolean => CHOICES.indexOf(one) > CHOICES.indexOf(other)

/** What is kept of conversations; undefined: nothing. */
const ARCHIVED: Readonly<Record<Choice, RetentionClass | undefined>> = {
  relay: undefined,
  delivered: undefined,
  '1d': 1,
  '7d': 7,
  '30d': 30,
}

/** What waits for a device; undefined: nothing may. */
const WAITING: Readonly<Record<Choice, RetentionClass | undefined>> = { relay: undefined, delivered: 8, '1d': 1, '7d': 8, '30d': 8 }

export const classOfChoice = (choice: Choice, what: 'archive' | 'spool'): RetentionClass | undefined =>
  (what === 'archive' ? ARCHIVED : WAITING)[choice]

/** How long something may be kept at most, in ms: until the end of its day or hour, and then as long as the class says. */
export function longestOf(choice: Choice): number {
  const classes = [ARCHIVED[choice], WAITING[choice]].filter(cls => cls !== undefined)
  return Math.max(0, ...classes.map(cls => endOf(cls, 0)))
}

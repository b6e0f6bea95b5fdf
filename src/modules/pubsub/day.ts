const DAY = 86_400_000

/** The beginning of the day in ms: of when something was published no more is kept. */
export const dayOf = (at: number): number => at - (at % DAY)

/** Counts what is asked of it; true once there were `most` in a span of `ms`. */
export function limited(most: number, ms: number, now: () => number): () => boolean {
  let until = 0
  let left = 0
  return () => {
    if (now() >= until) {
      until = now() + ms
      left = most
    }
    return --left < 0
  }
}

/** Gives what is promised, or throws when that takes longer than `ms`. */
export async function within<T>(ms: number, promised: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms)
  return Promise.race([promised, promise]).finally(() => clearTimeout(timer))
}

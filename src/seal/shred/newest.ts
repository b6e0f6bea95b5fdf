/** Of two versions of one thing that which counts; undefined if neither can be read. */
export function newest<T extends { readonly version: number }>(versions: readonly [T | undefined, T | undefined]): T | undefined {
  return versions.filter(version => version !== undefined).sort((a, b) => b.version - a.version)[0]
}

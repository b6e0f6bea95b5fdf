/** The eight groups of 16 bits of an IPv6 address, which must be one and have no zone. */
export function groupsOf(address: string): number[] {
  // The URL parser writes every address in one way: hexadecimal, with one `::` at most.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map(group => Number.parseInt(group, 16))
}

import { isIP, isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

const LONGEST = 253
const ASCII = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/
// `domainToASCII` reads a URL's host: it would take `a` of `a/b`, and decode `%61`.
const NO_NAME = /[\0-,/:-@[-^`{-\x7f\s]/

/** A domain name as A-labels in small letters, without the dot of the root; `undefined` if it is none, as an IP address is none. */
export function asciiDomain(domain: string): string | undefined {
  if (domain.length > LONGEST + 1 || NO_NAME.test(domain)) return undefined
  const ascii = domainToASCII(domain.endsWith('.') ? domain.slice(0, -1) : domain)
  // And it would read `1.2` and `0x1.2` as IPv4 addresses.
  return ascii.length <= LONGEST && ASCII.test(ascii) && isIP(ascii) === 0 ? ascii : undefined
}

/** The octets of a domain that is an IP address: `192.0.2.1` or, as RFC 6120 §2.1 has it, `[2001:db8::1]`. */
export function addressOctets(domain: string): Buffer | undefined {
  if (isIPv4(domain)) return Buffer.from(domain.split('.').map(Number))
  const bare = /^\[(.*)\]$/.exec(domain)?.[1] ?? ''
  if (!isIPv6(bare) || bare.includes('%')) return undefined
  // A URL has the address in its one canonical form: groups in hex, and at most one `::`.
  const [head = '', tail = ''] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::')
  const before = groups(head)
  const after = groups(tail)
  const octets = Buffer.alloc(16)
  before.forEach((group, i) => {
    octets.writeUInt16BE(group, i * 2)
  })
  after.forEach((group, i) => {
    octets.writeUInt16BE(group, 16 - (after.length - i) * 2)
  })
  return octets
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
}

import { domainToASCII } from 'node:url'
import { randomBytes } from '../../lib/random.ts'

const LONGEST = 253
const LABELS = /^[\w-]{1,63}(?:\.[\w-]{1,63})*$/
const ASCII = /^[\x21-\x7e]+$/

/**
 * The name as DNS has it: A-labels (RFC 5890 §2.3.2.1), lower case, without the last dot. `undefined` for what is no name of
 * a host or service.
 */
export function dnsName(name: string): string | undefined {
  // What is ASCII is not given to the URL parser: it takes `1.2` for an address.
  const ascii = (ASCII.test(name) ? name : domainToASCII(name)).toLowerCase().replace(/\.$/, '')
  return ascii.length <= LONGEST && LABELS.test(ascii) ? ascii : undefined
}

/** RFC 7686 §2: names of onion services must not be looked up in DNS. */
export function isOnion(name: string): boolean {
  return /(?:^|\.)onion\.?$/i.test(name)
}

/** The same name in capitals and small letters by chance: whoever forges an answer must guess them too. */
export function withRandomCase(name: string): string {
  const bits = randomBytes(name.length)
  return name.replace(/[a-z]/g, (letter, at: number) => (bits[at]! & 1 ? letter.toUpperCase() : letter))
}

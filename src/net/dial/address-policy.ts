import { BlockList, isIP, isIPv4 } from 'node:net'
import { groupsOf } from './ipv6.ts'

/** IPv4 that is not of the public internet: IANA's special-purpose registry (RFC 6890), multicast and what is reserved. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by customers of a provider (RFC 6598)
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and what clouds tell their machines
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocols
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4, no longer in use
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]

/** What is special among the unicast addresses of IPv6; beyond those, nothing is public. */
const SPECIAL_IPV6 = [
  '2001::/23', // IETF protocols, Teredo among them
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation (RFC 9637)
]
const UNICAST_IPV6 = '2000::/3'
const IPV4_MAPPED = '::ffff:0:0/96'
const NAT64 = '64:ff9b::/96'
const SIX_TO_FOUR = '2002::/16'

const specialIpv4 = networks(SPECIAL_IPV4)
const specialIpv6 = networks(SPECIAL_IPV6)
const unicastIpv6 = networks([UNICAST_IPV6])
/** Networks whose addresses hold one of IPv4, and how many 16-bit groups come before that. */
const holders = [
  [networks([IPV4_MAPPED]), 6],
  [networks([NAT64]), 6],
  [networks([SIX_TO_FOUR]), 1],
] as const

/**
 * Where this server may connect to when a stranger says where: public addresses, and the networks the operator has allowed. To be
 * asked about the very address that is connected to, never about a name, which may have another one by then.
 */
export class AddressPolicy {
  readonly #allowed: BlockList

  /** Networks as `10.0.0.0/8`, or single addresses. Throws an `Error` whose message is a sentence for the operator. */
  constructor(allowedNetworks: readonly string[] = []) {
    this.#allowed = networks(allowedNetworks)
  }

  allows(address: string): boolean {
    if (isIPv4(address)) return isIn(this.#allowed, address) || !isIn(specialIpv4, address)
    // With a zone it is link-local.
    if (isIP(address) === 0 || address.includes('%')) return false
    if (isIn(this.#allowed, address)) return true
    const holder = holders.find(([network]) => isIn(network, address))
    if (holder !== undefined) return this.allows(ipv4In(address, holder[1]))
    return isIn(unicastIpv6, address) && !isIn(specialIpv6, address)
  }
}

function networks(written: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of written) {
    const [, address = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
    const most = isIPv4(address) ? 32 : 128
    const bits = digits === undefined ? most : Number(digits)
    if (isIP(address) === 0 || address.includes('%') || bits > most) {
      throw new Error(`"${text}" is no network; write an address and a number of bits, such as "10.0.0.0/8" or "fd00::/8".`)
    }
    list.addSubnet(address, bits, familyOf(address))
  }
  return list
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}

/** The IPv4 address that stands in one of IPv6 after so many groups. */
function ipv4In(address: string, groupsBefore: number): string {
  const [high, low] = groupsOf(address).slice(groupsBefore) as [number, number]
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

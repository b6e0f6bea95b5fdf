import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Answer } from 'dns-packet'
import { Authority, type Certificate, type Purpose } from './authority.ts'
import { NameServer } from './dns.ts'
import { NAME_SERVER } from './isolation.ts'
import { IS_WIRE_KEPT, Member, type Place, S2S, type Software, servicesOf, type Way } from './member.ts'

// Not under .test: resolvers know by themselves that nothing is there (RFC 6761 §6.2).
const SITES = [
  { address: '127.0.1.1', domains: ['left.example', 'also-left.example'] },
  { address: '127.0.1.2', domains: ['right.example', 'also-right.example'] },
  { address: '127.0.1.3', domains: ['third.example', 'also-third.example'] },
] as const

/** Servers that serve two domains each, with all that they need to find each other, and no more. */
export class Network implements AsyncDisposable {
  /** Two, or three. */
  readonly members: readonly Member[]
  readonly names: NameServer
  readonly #folder: string

  private constructor(folder: string, names: NameServer, members: readonly Member[]) {
    this.#folder = folder
    this.names = names
    this.members = members
  }

  get left(): Member {
    return this.members[0]!
  }

  get right(): Member {
    return this.members[1]!
  }

  /** Done when all take connections. */
  static async open(way: Way, softwares: readonly [left: Software, right: Software, third?: Software]): Promise<Network> {
    const present = softwares.filter(software => software !== undefined)
    const folder = mkdtempSync(join(tmpdir(), 'conexizan-network-'))
    const authority = await Authority.make(folder, 'authority')
    const isExternal = way.mechanism === 'external'
    // Nobody's certificate counts, so that only dialback is left.
    const believed = isExternal ? authority : await Authority.make(folder, 'stranger')
    const purposes: Purpose[] = present.some(({ wantsClientPurpose }) => wantsClientPurpose) ? ['serverAuth', 'clientAuth'] : ['serverAuth']
    const places = await Promise.all(
      SITES.slice(0, present.length).map(async ({ address, domains }): Promise<Place> => {
        const home = join(folder, domains[0])
        mkdirSync(home)
        const certify = async (domain: string): Promise<[string, Certificate]> => [
          domain,
          await authority.certify(domain, servicesOf(domain), purposes),
        ]
        const certificates = new Map(await Promise.all(domains.map(certify)))
        return { address, domains, folder: home, way, certificates, authority: believed.file, certifier: authority.file }
      }),
    )
    const names = await NameServer.start(NAME_SERVER)
    names.publish(places.flatMap(recordsOf))
    const network = new Network(
      folder,
      names,
      places.map((place, at) => new Member(present[at]!, place, authority.file)),
    )
    try {
      await Promise.all(network.members.map(member => member.start()))
      return network
    } catch (error) {
      await network[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(member => member.kill()))
    await this.names[Symbol.asyncDispose]()
    if (!IS_WIRE_KEPT) rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** XEP-0368 §3, RFC 6120 §3.2.1: the host behind a domain has a name of its own, and one SRV record leads there from each name. */
function recordsOf({ address, domains, way }: Place): Answer[] {
  const service = way.connection === 'direct' ? '_xmpps-server' : '_xmpp-server'
  return domains.flatMap(domain => {
    const target = `host.${domain}`
    const data = { priority: 1, weight: 1, port: S2S[way.connection], target }
    const srv = [domain, ...servicesOf(domain)].map((name): Answer => ({ type: 'SRV', name: `${service}._tcp.${name}`, ttl: 60, data }))
    return [...srv, { type: 'A', name: target, ttl: 60, data: address }]
  })
}

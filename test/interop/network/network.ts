import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Answer } from 'dns-packet'
import { Authority, type Certificate, type Purpose } from './authority.ts'
import { NameServer } from './dns.ts'
import { NAME_SERVER } from './isolation.ts'
import { IS_WIRE_KEPT, Member, type Place, S2S, type Software, type Way } from './member.ts'

// Not under .test: resolvers know by themselves that nothing is there (RFC 6761 §6.2).
const SITES = [
  { address: '127.0.1.1', domains: ['left.example', 'also-left.example'] },
  { address: '127.0.1.2', domains: ['right.example', 'also-right.example'] },
] as const

/** Two servers that serve two domains each, with all that they need to find each other, and no more. */
export class Network implements AsyncDisposable {
  readonly left: Member
  readonly right: Member
  readonly names: NameServer
  readonly #folder: string

  private constructor(folder: string, names: NameServer, [left, right]: readonly Member[]) {
    this.#folder = folder
    this.names = names
    this.left = left!
    this.right = right!
  }

  /** Done when both take connections. */
  static async open(way: Way, softwares: readonly [left: Software, right: Software]): Promise<Network> {
    const folder = mkdtempSync(join(tmpdir(), 'conexizan-network-'))
    const authority = await Authority.make(folder, 'authority')
    const isExternal = way.mechanism === 'external'
    // Nobody's certificate counts, so that only dialback is left.
    const believed = isExternal ? authority : await Authority.make(folder, 'stranger')
    const purposes: Purpose[] = softwares.some(({ wantsClientPurpose }) => wantsClientPurpose)
      ? ['serverAuth', 'clientAuth']
      : ['serverAuth']
    const places = await Promise.all(
      SITES.map(async ({ address, domains }): Promise<Place> => {
        const home = join(folder, domains[0])
        mkdirSync(home)
        const certify = async (domain: string): Promise<[string, Certificate]> => [domain, await authority.certify(domain, purposes)]
        const certificates = new Map(await Promise.all(domains.map(certify)))
        return { address, domains, folder: home, way, certificates, authority: believed.file, certifier: authority.file }
      }),
    )
    const names = await NameServer.start(NAME_SERVER)
    names.publish(places.flatMap(recordsOf))
    const network = new Network(
      folder,
      names,
      places.map((place, at) => new Member(softwares[at]!, place, authority.file)),
    )
    try {
      await Promise.all([network.left.start(), network.right.start()])
      return network
    } catch (error) {
      await network[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.left, this.right].map(member => member.kill()))
    await this.names[Symbol.asyncDispose]()
    if (!IS_WIRE_KEPT) rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** XEP-0368 §3, RFC 6120 §3.2.1: the host behind a domain has a name of its own, and one SRV record leads there. */
function recordsOf({ address, domains, way }: Place): Answer[] {
  const service = way.connection === 'direct' ? '_xmpps-server' : '_xmpp-server'
  return domains.flatMap(domain => {
    const target = `host.${domain}`
    const srv: Answer = {
      type: 'SRV',
      name: `${service}._tcp.${domain}`,
      ttl: 60,
      data: { priority: 1, weight: 1, port: S2S[way.connection], target },
    }
    return [srv, { type: 'A', name: target, ttl: 60, data: address }]
  })
}

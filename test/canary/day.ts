import type { Element } from '../../src/xml/element.ts'
import { escapeAttribute } from '../../src/xml/element.ts'
import { Client, type Login } from '../faults/client.ts'
import { Region } from '../faults/region.ts'
import type { Server } from '../faults/server.ts'
import { Mint } from './mint.ts'

/** Users of our server: two who talk, one who removes the account, one with an invitation, one who lets the password be changed. */
export type Who = 'alice' | 'bob' | 'hermit' | 'guest' | 'eve'

/** Where our server listens with IPv6. */
const OUR_IPV6 = 'fd66::1'

/** A day in the life of a server, in which every datum is a canary. */
export class Day implements AsyncDisposable {
  readonly region: Region
  readonly server: Server
  readonly mint: Mint
  readonly names: Readonly<Record<Who, string>>
  readonly passwords: Record<Who, string>
  readonly gateway: { readonly domain: string; readonly secret: string }

  private constructor(region: Region, mint: Mint, server: Server, gateway: Day['gateway']) {
    this.region = region
    this.mint = mint
    this.server = server
    this.gateway = gateway
    const name = (who: Who): string =>
      mint.word(who === 'hermit' || who === 'guest' ? 'name of a removed account' : 'name of an account', who)
    this.names = { alice: name('alice'), bob: name('bob'), hermit: name('hermit'), guest: name('guest'), eve: name('eve') }
    const password = (who: Who): string => mint.word('password', who)
    this.passwords = {
      alice: password('alice'),
      bob: password('bob'),
      hermit: password('hermit'),
      guest: password('guest'),
      eve: password('eve'),
    }
  }

  /** Nothing runs yet. */
  static async prepare(hasIpv6: boolean): Promise<Day> {
    const region = await Region.open()
    const mint = new Mint(hasIpv6)
    const gateway = { domain: mint.domain('domain of a component'), secret: mint.word('secret of a component') }
    const settings = `sha1 = true\nplain = true\n[web]\nforwardedFor = true\n[component."${gateway.domain}"]\nsecret = "${gateway.secret}"\n`
    const addresses = ['127.0.0.1', ...(hasIpv6 ? [OUR_IPV6] : [])]
    // As if someone wanted core files, and more of Node than we do.
    const around = ['prlimit', '--core=unlimited', 'env', 'NODE_DEBUG=tls,net,http', `TMPDIR=/proc/self/cwd/tmp`]
    const server = await region.server('localhost', settings, '', { addresses, around })
    return new Day(region, mint, server, gateway)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.region[Symbol.asyncDispose]()
  }

  jid(who: Who): string {
    return `${this.names[who]}@${this.server.domain}`
  }

  /** From an address of its own. */
  login(who: Who, detail: string, more: Partial<Login> = {}): Login {
    const localAddress = this.mint.address('IP address', `${who}, ${detail}`)
    return { ...this.server.login(this.names[who]), password: this.passwords[who], localAddress, ...more }
  }

  /** The same over IPv6, where there is some. */
  login6(who: Who, detail: string, more: Partial<Login> = {}): Login {
    if (!this.mint.hasIpv6) return this.login(who, detail, more)
    return this.login(who, detail, { host: OUR_IPV6, localAddress: this.mint.address6('IP address', `${who}, ${detail}, IPv6`), ...more })
  }

  /** Bound and available, with a resource that occurs nowhere else. What it has proved of its password is a canary. */
  async online(login: Login, resource: string, onStanza?: (stanza: Element) => void): Promise<Client> {
    const client = await Client.online(login, resource, true, onStanza)
    this.proved(client, login.mechanism ?? 'SCRAM-SHA-256')
    return client
  }

  /** Those who have logged in by that mechanism have shown this. */
  proved({ scram }: Client, mechanism: string): void {
    if (scram === undefined) return
    this.mint.known('proof of a login', scram.proof, mechanism)
    this.mint.known('key of a login', scram.clientKey, mechanism)
    this.mint.known('salted password', scram.saltedPassword, mechanism)
  }
}

/** XML in which whatever is put in stands as text. */
export function xml(parts: TemplateStringsArray, ...texts: readonly string[]): string {
  return String.raw({ raw: parts }, ...texts.map(escapeAttribute))
}

/** Runs an ad-hoc command (XEP-0050), with an answer to its form if it has one; gives what it says at the end, as XML. */
export async function runCommand(client: Client, to: string, node: string, fields: Readonly<Record<string, string>> = {}): Promise<string> {
  const ask = (attributes: string, form = ''): Promise<Element> =>
    client.asks('set', `<command xmlns="http://jabber.org/protocol/commands" node="${node}"${attributes}>${form}</command>`, to)
  const first = await ask(' action="execute"')
  const command = first.first()
  if (command?.attrs['status'] !== 'executing') return String(first)
  const values = Object.entries(fields).map(([name, value]) => xml`<field var="${name}"><value>${value}</value></field>`)
  const form = `<x xmlns="jabber:x:data" type="submit">${values.join('')}</x>`
  const last = await ask(` action="complete" sessionid="${command.attrs['sessionid']}"`, form)
  if (last.attrs['type'] !== 'result') throw new Error(`${node}: ${last}`)
  return String(last)
}

import type { Login } from '../../faults/client.ts'
import type { Reachable } from '../server.ts'
import type { Certificate } from './authority.ts'
import { Program } from './program.ts'

/** How servers reach each other, and how they prove who they are. They are given no other way than this one. */
export interface Way {
  readonly connection: 'starttls' | 'direct'
  readonly mechanism: 'external' | 'dialback'
}

/** With `INTEROP_KEEP=1`, the folders of the members stay, and in their logs is all that they say to each other. */
export const IS_WIRE_KEPT = process.env['INTEROP_KEEP'] !== undefined

/** The port for clients, with TLS from the first byte. */
export const C2S_TLS = 5223
/** The port for clients in browsers. */
export const HTTPS = 5443
/** The ports for servers, of which a member has one. */
export const S2S = { starttls: 5269, direct: 5270 } as const

/** The domain of the rooms that a server has beside one of its domains (XEP-0045). */
export const roomsOf = (domain: string): string => `conference.${domain}`
/** That of the nodes (XEP-0060). */
export const nodesOf = (domain: string): string => `pubsub.${domain}`
/** All that stand beside a domain, with the same host and the same certificate. */
export const servicesOf = (domain: string): readonly string[] => [roomsOf(domain), nodesOf(domain)]
/** Who may make nodes where that is not for everybody. */
export const KEEPER = 'keeper'

/** What a server is told about itself. */
export interface Place {
  readonly address: string
  readonly domains: readonly string[]
  /** Where it may keep files. */
  readonly folder: string
  readonly way: Way
  /** By domain. */
  readonly certificates: ReadonlyMap<string, Certificate>
  /** PEM file with the only authority that it shall believe. Where there is dialback, that has certified nobody. */
  readonly authority: string
  /** PEM file with the authority that has certified everybody, for those who dial back only where they believe a certificate. */
  readonly certifier: string
}

/** A server that can be a member. */
export interface Software {
  readonly name: 'prosody' | 'ejabberd' | 'conexizan'
  /** Whether what it acknowledges is safe, even when it ends before it could deliver. */
  readonly isSafe: boolean
  /** Whether those who are blocked see the user go, and come back when they are no more (XEP-0191 §3.3 and §3.4). */
  readonly leavesBlocked: boolean
  /** Whether it believes others only by certificates that are for clients too. */
  readonly wantsClientPurpose: boolean
  /** Writes its settings, and gives what to run. */
  install(place: Place): { readonly command: readonly string[]; readonly env?: NodeJS.ProcessEnv }
  /** Makes an account while it runs. */
  addUser(login: Login, place: Place): Promise<void>
}

/** A server of the network, with two domains at an address of its own. */
export class Member implements Reachable, AsyncDisposable {
  readonly software: Software
  readonly ports = { tls: C2S_TLS, https: HTTPS }
  readonly ca: string
  readonly #place: Place
  readonly #program: Program

  /** Clients shall trust the PEM file `ca`. */
  constructor(software: Software, place: Place, ca: string) {
    this.software = software
    this.#place = place
    this.ca = ca
    const { command, env } = software.install(place)
    this.#program = new Program(command, place.folder, env)
  }

  get address(): string {
    return this.#place.address
  }

  get domain(): string {
    return this.#place.domains[0]!
  }

  get domains(): readonly string[] {
    return this.#place.domains
  }

  login(name: string, domain = this.domain): Login {
    return { name, password: `the password of ${name}`, domain, host: this.#place.address, port: C2S_TLS, ca: this.ca }
  }

  addUser(name: string, domain = this.domain): Promise<void> {
    return this.software.addUser(this.login(name, domain), this.#place)
  }

  /** Done when clients and servers can connect. */
  start(): Promise<void> {
    return this.#program.start(this.#place.address, [C2S_TLS, S2S[this.#place.way.connection]])
  }

  /** As its operator would. */
  stop(): Promise<void> {
    return this.#program.end('SIGTERM')
  }

  /** As in a crash. */
  kill(): Promise<void> {
    return this.#program.end('SIGKILL')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}

import { StanzaError } from './error.ts'
import { prepareDomain } from './precis/domain.ts'
import { opaqueString, usernameCaseMapped } from './precis/profiles.ts'

/** How many parsed texts are remembered at most. */
const REMEMBERED = 10_000
/** Longer texts are parsed each time: they are rare, and would let a peer fill the memory. */
const LONGEST_REMEMBERED = 200
/** Bytes of UTF-8 that each part may have once it is prepared (RFC 7622 §3.2, §3.3, §3.4). */
const LONGEST_PART = 1023
/** What a localpart may not hold although the IdentifierClass has it (RFC 7622 §3.3.1). */
const EXCLUDED_FROM_LOCAL = /["&'/:<>@]/

/** An XMPP address (RFC 7622), prepared: two addresses are equal when their texts are. Immutable. */
export class Jid {
  readonly local: string
  readonly domain: string
  readonly resource: string
  readonly #text: string
  #bare: Jid | undefined

  private constructor(local: string, domain: string, resource: string) {
    this.local = local
    this.domain = domain
    this.resource = resource
    this.#text = (local && `${local}@`) + domain + (resource && `/${resource}`)
  }

  /** Prepares and checks an address. Throws StanzaError('jid-malformed'), which repeats nothing of the input. */
  static parse(text: string): Jid {
    if (text.length > LONGEST_REMEMBERED) return split(text)
    const known = recall(text)
    if (known !== undefined) return known
    // A text cut from a network buffer would keep the whole buffer alive for as long as it is remembered.
    const own = text.isWellFormed() ? Buffer.from(text).toString() : text
    const jid = split(own)
    remember(own, jid)
    return jid
  }

  /** The same of an address that shall be in memory no longer than it is used: none that `parse` keeps for the next time. */
  static parsePrivately(text: string): Jid {
    return split(text)
  }

  /** An address from its parts, each prepared and checked; '' for an absent one. Throws like `parse`. */
  static of(local: string, domain: string, resource = ''): Jid {
    return new Jid(
      local === '' ? '' : prepareLocal(local),
      checked(prepareDomain(domain), 'the domain of this address is not valid'),
      resource === '' ? '' : prepareResource(resource),
    )
  }

  /** The address without its resource: itself where there is none. */
  get bare(): Jid {
    if (this.resource === '') return this
    return (this.#bare ??= new Jid(this.local, this.domain, ''))
  }

  get isBare(): boolean {
    return this.resource === ''
  }

  /** This account or room at another resource, which is prepared and checked; '' gives the bare address. */
  withResource(resource: string): Jid {
    return resource === '' ? this.bare : new Jid(this.local, this.domain, prepareResource(resource))
  }

  equals(other: Jid): boolean {
    return this.#text === other.#text
  }

  toString(): string {
    return this.#text
  }
}

/** Takes the parts from a text: the first '/' ends the bare address, the first '@' before it the localpart (RFC 7622 §3.1). */
function split(text: string): Jid {
  const slash = text.indexOf('/')
  const bare = slash === -1 ? text : text.slice(0, slash)
  const at = bare.indexOf('@')
  if (at === 0 || slash === text.length - 1) throw malformed('a part of this address is empty')
  return Jid.of(at === -1 ? '' : bare.slice(0, at), bare.slice(at + 1), slash === -1 ? '' : text.slice(slash + 1))
}

function prepareLocal(local: string): string {
  const prepared = checked(usernameCaseMapped(local), 'the localpart of this address is not valid')
  if (EXCLUDED_FROM_LOCAL.test(prepared)) throw malformed('the localpart of this address holds an excluded character')
  return prepared
}

function prepareResource(resource: string): string {
  return checked(opaqueString(resource), 'the resource of this address is not valid')
}

function checked(prepared: string | undefined, complaint: string): string {
  if (prepared === undefined || (prepared.length * 3 > LONGEST_PART && Buffer.byteLength(prepared) > LONGEST_PART))
    throw malformed(complaint)
  return prepared
}

function malformed(complaint: string): StanzaError {
  return new StanzaError('jid-malformed', complaint)
}

/**
 * Two generations instead of an order of use: a hit in the older one moves to the younger, and when that is full
 * the older one is forgotten. Hits in the younger one, nearly all of them, write nothing.
 */
let younger = new Map<string, Jid>()
let older = new Map<string, Jid>()

function recall(text: string): Jid | undefined {
  const jid = younger.get(text)
  if (jid !== undefined) return jid
  const aged = older.get(text)
  if (aged !== undefined) remember(text, aged)
  return aged
}

function remember(text: string, jid: Jid): void {
  if (younger.size >= REMEMBERED / 2) {
    older = younger
    younger = new Map()
  }
  younger.set(text, jid)
}

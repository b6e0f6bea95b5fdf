import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Needles } from '../privacy/needles.ts'
import { encodingsOf, formsOf } from './encodings.ts'

/** Something that occurs nowhere else, and can be looked for. */
export interface Canary {
  /** What it is, as inventory.json calls it. */
  readonly datum: string
  /** Which one, where there are several. */
  readonly detail: string
  readonly isAddress: boolean
  /** By the name of the encoding. */
  readonly forms: ReadonlyMap<string, Buffer>
}

/** How a canary was recognised. */
export interface Sighting {
  readonly canary: Canary
  readonly encoding: string
}

/** Makes canaries, and remembers them all. */
export class Mint {
  readonly canaries: Canary[] = []
  /** Whether this machine may be given addresses of IPv6, which takes a network of one's own. */
  readonly hasIpv6: boolean

  constructor(hasIpv6: boolean) {
    this.hasIpv6 = hasIpv6
  }

  /** Letters alone, of which names may be made. */
  word(datum: string, detail = ''): string {
    const text = `zq${randomBytes(8)
      .toString('hex')
      .replace(/[0-9]/g, digit => 'ghijklmnop'[Number(digit)]!)}`
    return this.known(datum, text, detail)
  }

  /** With characters in the middle that encodings spell otherwise. What stands before them is looked for by itself, too. */
  text(datum: string, detail = ''): string {
    const before = `zq${this.#letters(10)}`
    const forms = [...encodingsOf(before)].map(([encoding, bytes]) => [`half of it ${encoding}`, bytes] as const)
    const text = `${before} <é&"'/ ${this.#letters(8)}`
    this.canaries.push({ datum, detail, isAddress: false, forms: new Map([...encodingsOf(text), ...forms]) })
    return text
  }

  domain(datum: string, detail = ''): string {
    return this.known(datum, `zq${this.#letters(14)}.example`, detail)
  }

  /** With letters that DNS spells otherwise. */
  foreignDomain(datum: string, detail = ''): string {
    return this.known(datum, `zqü${this.#letters(12)}.example`, detail)
  }

  /** An address of this machine that nobody else uses; with IPv6, of a network of its own (RFC 4193) each time. */
  address(datum: string, detail = ''): string {
    const [a, b] = randomBytes(2)
    return this.known(datum, `127.66.${100 + (a! % 150)}.${100 + (b! % 150)}`, detail, true)
  }

  address6(datum: string, detail = ''): string {
    const groups = randomBytes(14).toString('hex').match(/..../g)!
    const text = ['fd66', ...groups.map(group => (Number.parseInt(group, 16) | 0x1000).toString(16))].join(':')
    if (spawnSync('ip', ['-6', 'address', 'add', `${text}/128`, 'dev', 'lo', 'nodad']).status !== 0) throw new Error(`${text} is not ours`)
    return this.known(datum, text, detail, true)
  }

  /** Something that was made elsewhere, such as a token. */
  known<Value extends string | Buffer>(datum: string, value: Value, detail = '', isAddress = false): Value {
    const forms = typeof value === 'string' ? encodingsOf(value) : formsOf(value)
    this.canaries.push({ datum, detail, isAddress, forms })
    return value
  }

  needles(): Needles<Sighting> {
    const needles = new Needles<Sighting>()
    for (const canary of this.canaries) for (const [encoding, bytes] of canary.forms) needles.add(bytes, { canary, encoding })
    return needles
  }

  #letters(count: number): string {
    return Array.from(randomBytes(count), byte => 'abcdefghijklmnop'[byte & 15]!).join('')
  }
}

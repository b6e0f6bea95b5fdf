import { randomFillSync } from 'node:crypto'
import { ChainOpener, ChainSealer } from '../seal/chain.ts'
import { SealError } from '../seal/seal-error.ts'
import { openForServer, sealForServer } from '../seal/server-box.ts'
import { Element } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { Hints } from '../xmpp/hints.ts'
import { Client } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import type { Keys } from './keys.ts'
import { HIBERNATING_STREAM } from './stores.ts'

/** A stanza in memory that the recipient's login opens, and nothing else. */
export interface SealedStanza {
  /** Which one it is of those that were sealed. */
  readonly index: number
  readonly box: Buffer
  /** What its sender must be told by if it comes to nothing, for the server; undefined where nobody need be told. */
  reply: Buffer | undefined
}

/**
 * The time in which a session waits for a client that has been away for a while: what waits for it is sealed to its owner, as nobody
 * may be there who could open what is on disk.
 */
export class Hibernation {
  readonly #account: Account
  readonly #keys: Keys
  readonly #chain: ChainSealer
  readonly #generation: number
  /** For what the server itself must read: as well kept as all that is in memory, and gone with the stream. */
  readonly #secret = randomFillSync(Buffer.alloc(32))

  private constructor(account: Account, keys: Keys, chain: ChainSealer, generation: number) {
    this.#account = account
    this.#keys = keys
    this.#chain = chain
    this.#generation = generation
  }

  /** Undefined where there is no key to seal to. */
  static of(account: Account, keys: Keys): Hibernation | undefined {
    const owner = keys.of(account)
    if (owner === undefined) return undefined
    return new Hibernation(account, keys, new ChainSealer(owner, HIBERNATING_STREAM), owner.generation)
  }

  /** With what its sender must be told, unless it is on disk. */
  seal(stanza: Element, isKept: boolean): SealedStanza {
    const xml = String(stanza)
    const plain = Buffer.alloc(Buffer.byteLength(xml))
    plain.write(xml)
    const index = this.#chain.length
    const box = this.#chain.seal(plain)
    plain.fill(0)
    return { index, box, reply: isKept ? undefined : this.#sealReply(stanza) }
  }

  /** The stanzas in the order in which they are given; undefined while nobody is there to open them, or if the key is lost. */
  open(sealed: readonly SealedStanza[]): Element[] | undefined {
    const owner = this.#keys.of(this.#account)
    const key = owner?.keyOf(this.#generation)
    if (owner === undefined || key === undefined) return undefined
    const then = { id: owner.id, generation: this.#generation, publicKey: key.publicKey }
    let opener: ChainOpener | undefined
    try {
      opener = new ChainOpener(key, then, HIBERNATING_STREAM, this.#chain.head)
      const opened = new Map<SealedStanza, Element>()
      for (const each of sealed.toSorted((a, b) => a.index - b.index)) {
        const plain = opener.open(each.index, each.box)
        opened.set(each, parseElement(plain))
        plain.fill(0)
      }
      return sealed.map(each => opened.get(each)!)
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    } finally {
      opener?.wipe()
    }
  }

  /** Of what cannot be opened: enough of it to tell its sender. Undefined where nobody need be told. */
  openReply({ reply }: SealedStanza): Element | undefined {
    return reply && parseElement(openForServer(this.#secret, CONTEXT, reply))
  }

  /** Nothing is sealed or opened here any more. */
  end(): void {
    this.#chain.wipe()
    this.#secret.fill(0)
  }

  #sealReply(stanza: Element): Buffer | undefined {
    const outline = outlineOf(stanza)
    return outline && sealForServer(this.#secret, CONTEXT, Buffer.from(String(outline)))
  }
}

const CONTEXT = 'hibernating stream'

/** What is no part of what a stanza says, but may say what is to become of it: hints, and the id that it has in an archive. */
const ASIDE: ReadonlySet<string> = new Set([Hints.uri, 'urn:xmpp:sid:0'])

/** What an error must repeat of a stanza, and what says what may become of it; undefined of what is never answered. */
export function outlineOf(stanza: Element): Element | undefined {
  const { name } = stanza
  const { type, id, from, to } = stanza.attrs
  const isAnswered = name === 'iq' ? type === 'get' || type === 'set' : name === 'message' && type !== 'error' && type !== 'headline'
  if (!isAnswered) return undefined
  const aside = stanza.elements().filter(child => ASIDE.has(child.ns))
  return Client(name as 'iq' | 'message', { type, id, from, to }, ...aside.map(child => new Element(child.ns, child.name, child.attrs, [])))
}

/** XEP-0317: what else people are in a room, as its admins say. */
import { hash } from 'node:crypto'
import type { Element } from '../../xml/element.ts'
import { namespace } from '../../xml/element.ts'

export const HatsNs = namespace<'hats' | 'hat'>('urn:xmpp:hats:0')

export interface Hat {
  readonly uri: string
  readonly title: string
  /** An angle of 0 to 360, as text; undefined for none. */
  readonly hue?: string | undefined
}

/** The hats of a room, and who wears them. */
export class Hats {
  readonly #hats = new Map<string, Hat>()
  /** By bare address: URIs. */
  readonly #worn = new Map<string, ReadonlySet<string>>()

  constructor({ hats, worn }: WrittenHats = { hats: [], worn: [] }) {
    for (const hat of hats) this.#hats.set(hat.uri, hat)
    for (const [jid, uris] of worn) this.#worn.set(jid, new Set(uris))
  }

  get size(): number {
    return this.#hats.size
  }

  /** How many hats are worn by all together. */
  get given(): number {
    return this.#worn.values().reduce((sum, { size }) => sum + size, 0)
  }

  all(): Iterable<Hat> {
    return this.#hats.values()
  }

  find(uri: string): Hat | undefined {
    return this.#hats.get(uri)
  }

  /** Adds it, or makes it look otherwise. */
  set(hat: Hat): void {
    this.#hats.set(hat.uri, hat)
  }

  /** §5.3: also from all heads. Gives whose. */
  remove(uri: string): string[] {
    this.#hats.delete(uri)
    const wearers = this.wearersOf(uri)
    for (const bare of wearers) this.take(bare, uri)
    return wearers
  }

  /** Bare addresses. */
  wearersOf(uri: string): string[] {
    return [...this.#worn].filter(([, uris]) => uris.has(uri)).map(([bare]) => bare)
  }

  of(bare: string): Hat[] {
    return [...(this.#worn.get(bare) ?? [])].flatMap(uri => this.#hats.get(uri) ?? [])
  }

  give(bare: string, uri: string): void {
    this.#worn.set(bare, new Set([...(this.#worn.get(bare) ?? []), uri]))
  }

  take(bare: string, uri: string): void {
    const left = new Set(this.#worn.get(bare))
    left.delete(uri)
    if (left.size === 0) this.#worn.delete(bare)
    else this.#worn.set(bare, left)
  }

  takeAll(bare: string): void {
    this.#worn.delete(bare)
  }

  /** All assignments. */
  worn(): Iterable<readonly [bare: string, uris: ReadonlySet<string>]> {
    return this.#worn
  }

  toJSON(): WrittenHats {
    return { hats: [...this.#hats.values()], worn: [...this.#worn].map(([bare, uris]) => [bare, [...uris]]) }
  }
}

export interface WrittenHats {
  readonly hats: readonly Hat[]
  readonly worn: readonly (readonly [bare: string, uris: readonly string[]])[]
}

/** What stands in the presence of somebody; undefined for a bare head. */
export function hatsElement(hats: readonly Hat[]): Element | undefined {
  if (hats.length === 0) return undefined
  return HatsNs('hats', {}, ...hats.map(({ uri, title, hue }) => HatsNs('hat', { uri, title, hue })))
}

/** §3: by which clients know that they have the list. */
export const hashOf = (hats: Hats): string =>
  hash('sha256', JSON.stringify([...hats.all()].map(({ uri, title, hue }) => [uri, title, hue])))

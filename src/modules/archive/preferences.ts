// XEP-0441: Message Archive Management Preferences

import type { Account } from '../../core/account.ts'
import { tagOf } from '../../core/blind-tags.ts'
import type { Keys } from '../../core/keys.ts'
import type { SealedDocuments } from '../../core/sealed-documents.ts'
import { ARCHIVE_PREFERENCES } from '../../core/stores.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Mam } from './query.ts'
import type { ArchiveStore } from './store.ts'

export const USUAL = ['always', 'roster', 'never'] as const
export type Usual = (typeof USUAL)[number]

/** The addresses themselves, for their owner. */
interface Lists {
  readonly always: readonly string[]
  readonly never: readonly string[]
}

/** What the server knows while the owner is away. */
interface Known {
  readonly usual: Usual
  readonly proof: Buffer | undefined
  readonly always: ReadonlySet<string>
  readonly never: ReadonlySet<string>
}

export interface PreferenceLimits {
  readonly usual: Usual
  /** Addresses of both lists. */
  readonly most: number
}

const TAG_SIZE = 16
const NOBODY: Lists = { always: [], never: [] }

/** Which messages users want to have archived. The lists are sealed to them; the server knows their addresses again by tags. */
export class Preferences {
  readonly #keys: Keys
  readonly #documents: SealedDocuments
  readonly #store: ArchiveStore
  readonly #limits: PreferenceLimits
  readonly #knows: (account: Account, other: Jid) => boolean
  readonly #known = new WeakMap<Account, Known>()

  /** `knows` says whether someone stands in the roster. */
  constructor(
    host: { readonly keys: Keys; readonly documents: SealedDocuments },
    store: ArchiveStore,
    limits: PreferenceLimits,
    knows: (account: Account, other: Jid) => boolean,
  ) {
    this.#keys = host.keys
    this.#documents = host.documents
    this.#store = store
    this.#limits = limits
    this.#knows = knows
  }

  async load(account: Account): Promise<void> {
    const stored = await this.#store.preferences(account.name)
    if (stored === undefined) return
    const usual = USUAL.find(known => known === stored.usual) ?? 'never'
    const proof = stored.proof === null ? undefined : Buffer.from(stored.proof)
    this.#known.set(account, { usual, proof, always: tagsIn(stored.always), never: tagsIn(stored.never) })
  }

  /** §2.3: whether messages with the other side are to be archived. */
  wants(account: Account, other: Jid): boolean {
    const known = this.#known.get(account)
    if (known?.proof !== undefined) {
      // With tags that say nothing any more nobody knows whom the owner wants left out.
      if (!this.#isGenuine(account, known.proof)) return false
      if (this.#isIn(account, known.never, other)) return false
      if (this.#isIn(account, known.always, other)) return true
    }
    const usual = known?.usual ?? this.#limits.usual
    return usual === 'always' || (usual === 'roster' && (other.bare.equals(account.jid) || this.#knows(account, other)))
  }

  /** Makes the tags anew where the secret that they were made with is lost, as after a crash at level `memory`. */
  async mend(account: Account): Promise<void> {
    const known = this.#known.get(account)
    if (known?.proof === undefined || this.#isGenuine(account, known.proof)) return
    const lists = await this.#lists(account)
    if (lists !== undefined) await this.#set(account, known.usual, lists)
  }

  async get(account: Account): Promise<Element> {
    const known = this.#known.get(account)
    const lists = known?.proof === undefined ? NOBODY : await this.#lists(account)
    if (lists === undefined) throw new StanzaError('item-not-found', 'your lists were locked with your former password; make new ones')
    return prefsElement(known?.usual ?? this.#limits.usual, lists)
  }

  async set(account: Account, prefs: Element): Promise<Element> {
    const usual = USUAL.find(known => known === prefs.attrs['default'])
    if (usual === undefined) throw new StanzaError('bad-request', 'the default is always, roster or never')
    const lists = { always: addressesIn(prefs, 'always'), never: addressesIn(prefs, 'never') }
    if (lists.always.length + lists.never.length > this.#limits.most)
      throw new StanzaError('resource-constraint', 'these are too many addresses')
    await this.#set(account, usual, lists)
    return prefsElement(usual, lists)
  }

  async #set(account: Account, usual: Usual, lists: Lists): Promise<void> {
    const isEmpty = lists.always.length + lists.never.length === 0
    const proof = isEmpty ? undefined : this.#tag(account, '')
    const tags = (addresses: readonly string[]): Buffer =>
      Buffer.concat(addresses.map(address => this.#tag(account, address)).sort(Buffer.compare))
    const [always, never] = [tags(lists.always), tags(lists.never)]
    // First the tags: without the lists they still do what the owner wants.
    await this.#store.setPreferences(account.name, { usual, proof: proof ?? null, always, never })
    this.#known.set(account, { usual, proof, always: tagsIn(always), never: tagsIn(never) })
    await this.#documents.write(account, ARCHIVE_PREFERENCES, isEmpty ? undefined : Buffer.from(JSON.stringify(lists)))
  }

  async #lists(account: Account): Promise<Lists | undefined> {
    const plain = await this.#documents.read(account, ARCHIVE_PREFERENCES)
    return plain && (JSON.parse(plain.toString()) as Lists)
  }

  /** §2.3.1: an address without a resource stands for all of its resources. */
  #isIn(account: Account, tags: ReadonlySet<string>, other: Jid): boolean {
    if (tags.size === 0) return false
    if (tags.has(textOf(this.#tag(account, String(other.bare))))) return true
    return other.resource !== '' && tags.has(textOf(this.#tag(account, String(other))))
  }

  #isGenuine(account: Account, proof: Buffer): boolean {
    return tagOf(this.#keys, account, 'archive', '')?.equals(proof) === true
  }

  #tag(account: Account, address: string): Buffer {
    const tag = tagOf(this.#keys, account, 'archive', address)
    if (tag === undefined) throw new StanzaError('resource-constraint')
    return tag
  }
}

const textOf = (tag: Buffer): string => tag.toString('latin1')

function tagsIn(bytes: Uint8Array): ReadonlySet<string> {
  const all = Buffer.from(bytes).toString('latin1')
  const tags = new Set<string>()
  for (let from = 0; from < all.length; from += TAG_SIZE) tags.add(all.slice(from, from + TAG_SIZE))
  return tags
}

function addressesIn(prefs: Element, name: 'always' | 'never'): string[] {
  const jids = prefs.child(Mam, name)?.all(Mam, 'jid') ?? []
  return [...new Set(jids.map(jid => String(Jid.parse(jid.text.trim()))))]
}

function prefsElement(usual: Usual, lists: Lists): Element {
  const list = (name: 'always' | 'never'): Element => Mam(name, {}, ...lists[name].map(jid => Mam('jid', {}, jid)))
  return Mam('prefs', { default: usual }, list('always'), list('never'))
}

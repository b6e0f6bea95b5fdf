import { ConverseSite } from '../converse.ts'
import type { Chat } from '../converse-chat.ts'
import { Device } from '../device.ts'
import { type ProfanityOptions, startProfanity } from '../profanity.ts'
import type { Terminal } from '../terminal.ts'
import { acquaint, type Party, passwordOf } from './acquaintance.ts'
import { conexizan } from './conexizan.ts'
import { Network } from './network.ts'
import { prosody } from './prosody.ts'

/** On the left. `INTEROP_SERVER=prosody` has Prosody there too, to see whether a fault is the clients'. */
const ours = process.env['INTEROP_SERVER'] === 'prosody' ? prosody : conexizan

type Side = 'left' | 'right'
/** Where Alice is and where Bob is, who are to be of two servers or of ours. */
export interface Sides {
  readonly alice: Side
  readonly bob: Side
  /** For titles of tests. */
  readonly where: string
}
export const SIDES = [
  { alice: 'left', bob: 'left', where: `both on ${ours.name}` },
  { alice: 'left', bob: 'right', where: `Alice on ${ours.name}, Bob on Prosody` },
  { alice: 'right', bob: 'left', where: `Alice on Prosody, Bob on ${ours.name}` },
] as const satisfies readonly Sides[]

/** Our server and Prosody, and the clients that people have there. */
export class Clients implements AsyncDisposable {
  readonly #network: Network
  readonly #site: ConverseSite
  #pairs = 0

  private constructor(network: Network, site: ConverseSite) {
    this.#network = network
    this.#site = site
  }

  static async open(): Promise<Clients> {
    const network = await Network.open({ connection: 'direct', mechanism: 'external' }, [ours, prosody])
    return new Clients(network, await ConverseSite.start())
  }

  /** New accounts of people who do not know each other. */
  async strangers(sides: Omit<Sides, 'where'>): Promise<[alice: Party, bob: Party]> {
    const pair = this.#pairs++
    const alice = { server: this.#network[sides.alice], name: `alice${pair || ''}` }
    const bob = { server: this.#network[sides.bob], name: `bob${pair || ''}` }
    await Promise.all([alice, bob].map(({ server, name }) => server.addUser(name)))
    return [alice, bob]
  }

  /** New accounts, each a contact of the other. */
  async contacts(sides: Omit<Sides, 'where'>): Promise<[alice: Party, bob: Party]> {
    const [alice, bob] = await this.strangers(sides)
    await acquaint(alice, bob)
    return [alice, bob]
  }

  /** Logged in on a device that knows nothing yet. */
  converse(party: Party, settings: object = {}): Promise<Chat> {
    return this.#site.device(party, passwordOf(party), settings)
  }

  /** Logged in on a device that knows nothing yet. */
  profanity(party: Party): Promise<Terminal> {
    return startProfanity(profanityOptions(party))
  }

  /** slixmpp, logged in, which wants to hear of what is published at these nodes (XEP-0163 §4.2). */
  watcher(party: Party, ...watch: readonly string[]): Promise<Device> {
    return Device.online('slixmpp', { ...party, password: passwordOf(party), tls: 'direct', more: { watch } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site[Symbol.asyncDispose]()
    await this.#network[Symbol.asyncDispose]()
  }
}

export const profanityOptions = (party: Party): ProfanityOptions => ({ ...party, password: passwordOf(party), tls: 'legacy' })

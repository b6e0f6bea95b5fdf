import { ConverseSite } from '../converse.ts'
import { Device } from '../device.ts'
import { addressOf, type Party, passwordOf } from '../network/acquaintance.ts'
import { profanityOptions } from '../network/clients.ts'
import { conexizan } from '../network/conexizan.ts'
import { ejabberd } from '../network/ejabberd.ts'
import { type Member, roomsOf } from '../network/member.ts'
import { Network } from '../network/network.ts'
import { prosody } from '../network/prosody.ts'
import { startProfanity } from '../profanity.ts'
import type { Terminal } from '../terminal.ts'
import { ConverseOccupant, type RoomConfig } from './converse.ts'
import { ProfanityOccupant } from './profanity.ts'
import { SlixmppOccupant } from './slixmpp.ts'

/** Whose rooms they are. `INTEROP_SERVER` may name another, to see whether a fault is the clients'. */
export const host = [conexizan, prosody, ejabberd].find(({ name }) => name === process.env['INTEROP_SERVER']) ?? conexizan

/** Our server with its rooms, and two others whose users come there. */
export class Gathering implements AsyncDisposable {
  readonly here: Member
  readonly prosody: Member
  readonly ejabberd: Member
  readonly #network: Network
  readonly #site: ConverseSite
  #names = 0

  private constructor(network: Network, site: ConverseSite) {
    this.#network = network
    ;[this.here, this.prosody, this.ejabberd] = network.members as [Member, Member, Member]
    this.#site = site
  }

  static async open(): Promise<Gathering> {
    const network = await Network.open({ connection: 'direct', mechanism: 'external' }, [host, prosody, ejabberd])
    return new Gathering(network, await ConverseSite.start())
  }

  /** An address that no room has had. */
  room(): string {
    return `room${this.#names++}@${roomsOf(this.here.domain)}`
  }

  /** A new account. */
  async guest(server: Member, name: string): Promise<Party> {
    const party = { server, name: `${name}${this.#names++}` }
    await server.addUser(party.name)
    return party
  }

  /** A new account where a server is given, as below; in the room. */
  async converse(
    at: Member | Party,
    room: string,
    nick: string,
    config?: RoomConfig,
    passwords?: readonly string[],
  ): Promise<ConverseOccupant> {
    const party = await this.#party(at, nick)
    const page = await this.#site.page(party, passwordOf(party))
    return ConverseOccupant.enter(page, addressOf(party), room, nick, config, passwords)
  }

  async slixmpp(at: Member | Party, room: string, nick: string, password?: string): Promise<SlixmppOccupant> {
    const device = await this.device(await this.#party(at, nick))
    return keeping(device, () => SlixmppOccupant.enter(device, room, nick, password))
  }

  /** slixmpp, in no room. */
  device(party: Party): Promise<Device> {
    return Device.online('slixmpp', { ...party, password: passwordOf(party), tls: 'direct' })
  }

  /** profanity, in no room. */
  terminal(party: Party): Promise<Terminal> {
    return startProfanity(profanityOptions(party))
  }

  async profanity(at: Member | Party, room: string, nick: string, password?: string): Promise<ProfanityOccupant> {
    const party = await this.#party(at, nick)
    const terminal = await this.terminal(party)
    return keeping(terminal, () => ProfanityOccupant.enter(terminal, addressOf(party), room, nick, password))
  }

  async #party(at: Member | Party, nick: string): Promise<Party> {
    return 'name' in at ? at : this.guest(at, nick.toLowerCase())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site[Symbol.asyncDispose]()
    await this.#network[Symbol.asyncDispose]()
  }
}

/** What is done with a client, which ends if that fails: whoever asked for it has nothing to end. */
export async function keeping<T>(client: AsyncDisposable, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await client[Symbol.asyncDispose]()
    throw error
  }
}

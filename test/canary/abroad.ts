import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Element } from '../../src/xml/element.ts'
import { Client, type Login } from '../faults/client.ts'
import type { Region } from '../faults/region.ts'
import type { Server } from '../faults/server.ts'
import { barge, Stranger } from '../faults/stranger.ts'

/** Makes a text, or an address of this machine, that occurs nowhere else. */
export interface Mint {
  canary(datum: string): string
  address(datum: string): string
}

interface Domains {
  /** Of contacts. */
  readonly friends: string
  /** One that is only talked with, and takes what it gets without a word. */
  readonly passing: string
  readonly missing: string
  readonly unreachable: string
  readonly hostile: string
}

/** What our server hears of other ones on that day. */
export class Abroad implements AsyncDisposable {
  readonly #region: Region
  readonly #mint: Mint
  readonly #domains: Domains
  readonly #friends: Server
  readonly #passing: Stranger

  private constructor(region: Region, mint: Mint, domains: Domains, friends: Server, passing: Stranger) {
    this.#region = region
    this.#mint = mint
    this.#domains = domains
    this.#friends = friends
    this.#passing = passing
  }

  /** Done when the other servers are there. */
  static async open(region: Region, mint: Mint): Promise<Abroad> {
    const { canary, address } = mint
    const domain = (datum: string): string => `${canary(datum)}.example`
    const domains = {
      friends: domain('domain of contacts elsewhere'),
      passing: domain('domain that was talked with'),
      missing: domain('domain that does not exist'),
      unreachable: domain('domain that cannot be reached'),
      hostile: domain('domain that misbehaves'),
    }
    region.certify(domains.passing, [domain('name in the certificate of a server')])
    const host = domain('name of the host of a server')
    const passing = await Stranger.open(region, domains.passing, 'slow', host, address('address of a server'))
    region.publish(domains.unreachable, 'tcp', 1, domain('name of a host that is not there'), address('address where nobody is'))
    const friends = await region.server(domains.friends)
    await friends.start()
    return new Abroad(region, mint, domains, friends, passing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#passing[Symbol.asyncDispose]()
  }

  /** A user of ours has contacts elsewhere, writes and is written to; the other one is away. */
  async talk(alice: Login, bob: Login, server: Server): Promise<void> {
    const { canary, address } = this.#mint
    const domains = this.#domains
    const login = async (datum: string): Promise<Client> => {
      const name = canary(datum)
      await this.#friends.addAccounts([name])
      return Client.online(this.#friends.login(name), canary(datum.replace('name', 'resource')), true)
    }
    const heard: Element[] = []
    const one = await Client.online(alice, canary('resource of one who writes elsewhere'), true, stanza => heard.push(stanza))
    const hears = async (test: (stanza: Element) => boolean): Promise<void> => {
      for (let i = 0; i < 100 && !heard.some(test); i++) await wait(50)
      assert.ok(heard.some(test), String(test))
    }
    const isFrom = (domain: string) => (stanza: Element) => stanza.attrs['from']?.includes(domain) ?? false
    const isError = (domain: string) => (stanza: Element) => isFrom(domain)(stanza) && stanza.attrs['type'] === 'error'

    const friend = await login('name of a contact elsewhere')
    const other = await login('name of one elsewhere who only writes')
    const [contact] = friend.jid.split('/')
    await one.asks('get', '<query xmlns="jabber:iq:roster"/>')
    one.send(`<presence type="subscribe" to="${contact}"><status>${canary('reason of a subscription elsewhere')}</status></presence>`)
    one.send(
      `<message id="${canary('id of a message elsewhere')}" to="${contact}"><body>${canary('body of a message elsewhere')}</body></message>`,
    )
    friend.send(`<presence type="subscribed" to="${alice.name}@${alice.domain}"/>`)
    other.send(`<message to="${one.jid}"><body>${canary('body of a message from elsewhere')}</body></message>`)
    await hears(stanza => stanza.name === 'message' && isFrom(domains.friends)(stanza))
    other.send(
      `<message type="chat" to="${bob.name}@${bob.domain}"><body>${canary('body of a message from elsewhere that was fetched')}</body></message>`,
    )
    await other.asks('get', '<ping xmlns="urn:xmpp:ping"/>', bob.domain)

    one.send(
      `<message to="${canary('name at a domain that was talked with')}@${domains.passing}"><body>${canary('body of a message in passing')}</body></message>`,
    )
    one.send(`<message to="${canary('name at a domain that does not exist')}@${domains.missing}"><body>x</body></message>`)
    one.send(`<message to="${canary('name at a domain that cannot be reached')}@${domains.unreachable}"><body>x</body></message>`)
    await hears(isError(domains.missing))
    const came = `<message from="${canary('name of one in passing')}@${domains.passing}" to="${one.jid}" id="p"><body>${canary('body of a message from one in passing')}</body></message>`
    await barge(this.#region, domains.passing, server, came, address('address that a server came from'))
    await hears(isFrom(domains.passing))
    for (const xml of [
      `<message id="${canary('broken XML of a server')}"><<`,
      `<message from="${canary('forged name')}@${domains.friends}" to="${one.jid}"/>`,
    ])
      await barge(this.#region, domains.hostile, server, xml, address('address that a bad server came from'))

    const said = server.command(['s2s', 'list'])
    for (const domain of [domains.friends, domains.unreachable]) assert.ok(said.includes(domain), said)
    server.command(['s2s', 'ping', domains.friends])
    server.command(['s2s', 'close', domains.friends])
    for (const client of [one, friend, other]) await client.leave()
    // Theirs is theirs: what their server keeps is not looked at.
    await this.#friends.stop()
  }
}

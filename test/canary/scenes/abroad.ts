import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Element } from '../../../src/xml/element.ts'
import { Client } from '../../faults/client.ts'
import { PASSWORD, type Server } from '../../faults/server.ts'
import { barge, Stranger } from '../../faults/stranger.ts'
import { type Day, xml } from '../day.ts'

interface Domains {
  readonly friends: string
  /** One that is only talked with, and takes what it gets without a word. */
  readonly passing: string
  readonly missing: string
  readonly unreachable: string
  readonly hostile: string
}

/** What our server hears of other ones on that day. */
export class Abroad implements AsyncDisposable {
  readonly #day: Day
  readonly #domains: Domains
  readonly #friends: Server
  readonly #passing: Stranger

  private constructor(day: Day, domains: Domains, friends: Server, passing: Stranger) {
    this.#day = day
    this.#domains = domains
    this.#friends = friends
    this.#passing = passing
  }

  /** Done when the other servers are there. */
  static async open(day: Day): Promise<Abroad> {
    const { region, mint } = day
    const domains = {
      friends: mint.foreignDomain('domain of a contact'),
      passing: mint.domain('domain that was talked with'),
      missing: mint.domain('domain that was written to in vain', 'does not exist'),
      unreachable: mint.domain('domain that was written to in vain', 'cannot be reached'),
      hostile: mint.domain('domain that misbehaves'),
    }
    region.certify(domains.passing, [mint.domain('name of a server', 'in its certificate')])
    const passing = await Stranger.open(
      region,
      domains.passing,
      'slow',
      mint.domain('name of a server', 'in DNS'),
      mint.address('IP address', 'of a server'),
    )
    region.publish(
      domains.unreachable,
      'tcp',
      1,
      mint.domain('name of a server', 'which is not there'),
      mint.address('IP address', 'where no server is'),
    )
    const friends = await region.server(domains.friends)
    await friends.start()
    return new Abroad(day, domains, friends, passing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#passing[Symbol.asyncDispose]()
  }

  /** A user of ours has contacts elsewhere, writes and is written to; the other one is away. */
  async talk(): Promise<void> {
    const day = this.#day
    const { mint, server } = day
    const domains = this.#domains
    const login = async (datum: string): Promise<Client> => {
      const name = mint.word(datum)
      this.#friends.command(['user', 'add', `${name}@${domains.friends}`], `${PASSWORD}\n`)
      return Client.online(this.#friends.login(name), mint.word(datum, 'resource'), true)
    }
    const heard: Element[] = []
    const one = await day.online(day.login('alice', 'writes abroad'), mint.word('resource', 'writes abroad'), stanza => heard.push(stanza))
    const hears = async (test: (stanza: Element) => boolean): Promise<void> => {
      for (let i = 0; i < 100 && !heard.some(test); i++) await wait(50)
      assert.ok(heard.some(test), String(test))
    }
    const isFrom = (domain: string) => (stanza: Element) => stanza.attrs['from']?.includes(domain) ?? false
    const isError = (domain: string) => (stanza: Element) => isFrom(domain)(stanza) && stanza.attrs['type'] === 'error'

    const friend = await login('address of a contact')
    const other = await login('sender of a message that was fetched')
    const [contact] = friend.jid.split('/') as [string]
    await one.asks('get', '<query xmlns="jabber:iq:roster"/>')
    one.send(
      xml`<presence type="subscribe" to="${contact}"><status>${mint.text('text of a request that was answered', 'abroad')}</status></presence>`,
    )
    one.send(
      xml`<message id="${mint.word('id of a message', 'abroad')}" to="${contact}"><body>${mint.text('body of a message', 'abroad')}</body></message>`,
    )
    friend.send(xml`<presence type="subscribed" to="${day.jid('alice')}"/>`)
    other.send(xml`<message to="${one.jid}"><body>${mint.text('body of a message', 'from abroad')}</body></message>`)
    await hears(stanza => stanza.name === 'message' && isFrom(domains.friends)(stanza))
    other.send(
      xml`<message type="chat" to="${day.jid('bob')}"><body>${mint.text('body of a message that was fetched', 'from abroad')}</body></message>`,
    )
    await other.asks('get', '<ping xmlns="urn:xmpp:ping"/>', server.domain)

    const passing = `${mint.word('address that was written to')}@${domains.passing}`
    one.send(xml`<message to="${passing}"><body>${mint.text('body of a message', 'to a slow server')}</body></message>`)
    for (const domain of [domains.missing, domains.unreachable])
      one.send(xml`<message to="${mint.word('address that was written to', 'in vain')}@${domain}"><body>x</body></message>`)
    await hears(isError(domains.missing))
    const came = xml`<message from="${mint.word('address that wrote')}@${domains.passing}" to="${one.jid}" id="p"><body>${mint.text('body of a message', 'from a slow server')}</body></message>`
    await barge(day.region, domains.passing, server, came, mint.address('IP address', 'a server came from'))
    await hears(isFrom(domains.passing))
    for (const stanza of [
      xml`<message id="${mint.word('broken XML', 'of a server')}"><<`,
      xml`<message from="${mint.word('forged address')}@${domains.friends}" to="${one.jid}"/>`,
    ])
      await barge(day.region, domains.hostile, server, stanza, mint.address('IP address', 'a bad server came from'))

    const said = server.command(['s2s', 'list'])
    for (const domain of [domains.friends, domains.unreachable]) assert.ok(said.includes(domain), said)
    server.command(['s2s', 'ping', domains.friends])
    server.command(['s2s', 'close', domains.friends])
    for (const client of [one, friend, other]) await client.leave()
    // Theirs is theirs: what their server keeps is not looked at.
    await this.#friends.stop()
  }
}

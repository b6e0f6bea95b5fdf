/** A client in a browser: WebSocket (RFC 7395), SASL2 (XEP-0388), and tokens instead of the password (XEP-0484). */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { saltPassword, TestClient } from '../../src/sasl/test-client.ts'

export interface BrowserOptions {
  readonly localAddress?: string
  readonly headers?: Readonly<Record<string, string>>
}

const SASL2 = 'urn:xmpp:sasl:2'
const FAST = 'urn:xmpp:fast:0'
const UPGRADE = 'UPGR-SCRAM-SHA-512'

export class Browser {
  /** What it has shown of its password. */
  readonly scram: TestClient
  /** Of the upgrade to another hash (XEP-0480). */
  saltedPassword: Buffer = Buffer.alloc(0)
  token = ''
  /** What it has shown of its token. */
  proof: Buffer = Buffer.alloc(0)
  readonly #name: string
  readonly #agent: string
  #webSocket!: WebSocket
  #said = ''

  /** `agent` is the element by which it says what it is. */
  constructor(name: string, password: string, agent: string) {
    this.#name = name
    this.#agent = agent
    this.#password = password
    this.scram = new TestClient({ mechanism: 'SCRAM-SHA-256', username: name, password })
  }

  readonly #password: string

  /** `url` without the path; that may have a query. */
  async open(url: string, domain: string, { query = '', ...options }: BrowserOptions & { readonly query?: string } = {}): Promise<void> {
    this.#webSocket = new WebSocket(`${url}/xmpp-websocket${query}`, 'xmpp', { rejectUnauthorized: false, ...options })
    this.#webSocket.on('message', data => (this.#said += data))
    await once(this.#webSocket, 'open')
    this.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="${domain}" version="1.0"/>`)
    await this.hears(/features>/)
  }

  send(xml: string): void {
    this.#webSocket.send(xml)
  }

  async hears(pattern: RegExp): Promise<RegExpExecArray> {
    for (let i = 0; i < 500 && !pattern.test(this.#said); i++) await wait(20)
    assert.match(this.#said, pattern)
    const found = pattern.exec(this.#said)!
    this.#said = this.#said.slice(found.index + found[0].length)
    return found
  }

  /** With the password; gets a token, and a verifier for another hash. `inline` goes with it. */
  async logIn(inline = ''): Promise<void> {
    const { scram } = this
    const request = `<request-token xmlns="${FAST}" mechanism="HT-SHA-256-NONE"/><upgrade xmlns="urn:xmpp:sasl:upgrade:0">${UPGRADE}</upgrade>`
    this.send(
      `<authenticate xmlns="${SASL2}" mechanism="SCRAM-SHA-256"><initial-response>${scram.first().toString('base64')}</initial-response>${this.#agent}${request}${inline}</authenticate>`,
    )
    const [, challenge] = await this.hears(/<challenge[^>]*>([^<]+)/)
    this.send(`<response xmlns="${SASL2}">${scram.final(Buffer.from(challenge!, 'base64')).toString('base64')}</response>`)
    await this.hears(/<task>[^<]+/)
    this.send(`<next xmlns="${SASL2}" task="${UPGRADE}"/>`)
    const [, iterations, salt] = await this.hears(/iterations='(\d+)'>([^<]+)/)
    this.saltedPassword = saltPassword('SHA-512', this.#password, salt!, Number(iterations))
    const hash = this.saltedPassword.toString('base64')
    this.send(`<task-data xmlns="${SASL2}"><hash xmlns="urn:xmpp:scram-upgrade:0">${hash}</hash></task-data>`)
    await this.#succeed()
  }

  /** With the token that it got. */
  async comeBack(inline = ''): Promise<void> {
    this.proof = createHmac('sha256', this.token).update('Initiator').digest()
    const response = Buffer.concat([Buffer.from(`${this.#name}\0`), this.proof]).toString('base64')
    const request = `<request-token xmlns="${FAST}" mechanism="HT-SHA-256-NONE"/>`
    this.send(
      `<authenticate xmlns="${SASL2}" mechanism="HT-SHA-256-NONE"><initial-response>${response}</initial-response>${this.#agent}<fast xmlns="${FAST}"/>${request}${inline}</authenticate>`,
    )
    await this.#succeed()
  }

  async #succeed(): Promise<void> {
    const [success] = await this.hears(/<success.*<\/success>/)
    this.token = / token='([^']+)'/.exec(success)?.[1] ?? this.token
  }

  async close(): Promise<void> {
    this.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
    await once(this.#webSocket, 'close')
  }
}

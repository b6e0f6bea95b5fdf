/** A client that asks for tokens and logs in with them (XEP-0484); shares no code with the server's side. */
import { createHmac, randomUUID } from 'node:crypto'
import { endPointHash } from '../src/sasl/channel-binding.ts'
import { sql } from '../src/storage/db.ts'
import type { Element } from '../src/xml/element.ts'
import { type Device, HEADER, type Scene } from './stream-story.ts'

const FAST = 'urn:xmpp:fast:0'
const SASL2 = 'urn:xmpp:sasl:2'

/** How one login differs from the usual one. */
export interface Way {
  readonly mechanism?: string
  readonly token?: string
  readonly name?: string
  readonly id?: string | undefined
  readonly proof?: Buffer
  /** Attributes of `<fast/>`; undefined: there is none. */
  readonly fast?: string | undefined
  readonly inline?: string
  readonly from?: string
  readonly kind?: 'tls' | 'websocket'
  readonly address?: string
}

export class Phone {
  readonly id: string = randomUUID()
  readonly name: string
  readonly mechanism: string
  token = ''
  /** As the server said it. */
  expiry = ''
  readonly #scene: Scene

  constructor(scene: Scene, name = 'romeo', mechanism = 'HT-SHA-256-ENDP') {
    this.#scene = scene
    this.name = name
    this.mechanism = mechanism
  }

  /** One that has logged in with its password and got a token; its connection is gone. */
  static async withToken(scene: Scene, name?: string, mechanism?: string): Promise<Phone> {
    const phone = new Phone(scene, name, mechanism)
    const device = await phone.showsPassword()
    phone.takesToken(device)
    await device.breaks()
    scene.forget(device)
    return phone
  }

  /** Logs in with the password and asks for a token; the answer is left for the story. */
  async showsPassword(inline = '', wanted = this.mechanism, agent = ''): Promise<Device> {
    const device = await this.#connects({})
    const request = wanted === '' ? '' : `<request-token xmlns="${FAST}" mechanism="${wanted}"/>`
    await device.authenticates2(this.name, `${userAgent(this.id, agent)}${request}${inline}`)
    return device
  }

  /** Logs in with the token; the answer is left for the story. */
  async showsToken(way: Way = {}): Promise<Device> {
    const device = await this.#connects(way)
    await device.sends(this.message(device, way))
    return device
  }

  message(device: Device, way: Way = {}): string {
    const { mechanism, name, id, proof, inline, fast } = {
      mechanism: this.mechanism,
      name: this.name,
      id: this.id,
      fast: '',
      inline: '',
      ...way,
    }
    const text = Buffer.concat([Buffer.from(`${name}\0`), proof ?? this.proof(device, way)]).toString('base64')
    const shows = fast === undefined ? '' : `<fast xmlns="${FAST}" ${fast}/>`
    return `<authenticate xmlns="${SASL2}" mechanism="${mechanism}"><initial-response>${text}</initial-response>${userAgent(id)}${inline}${shows}</authenticate>`
  }

  /** The initiator's hashed token on this connection. */
  proof(device: Device, { mechanism = this.mechanism, token = this.token }: Way = {}): Buffer {
    return this.#hashed('Initiator', device, mechanism, token)
  }

  /** The success, with the server's proof that it knows the token. */
  succeeds(device: Device, inside = ''): Element {
    const expected = this.#hashed('Responder', device, this.mechanism, this.token).toString('base64')
    return device.receives(`<success xmlns="${SASL2}"><additional-data>${expected}</additional-data>${inside}</success>`)
  }

  /** The success with a new token in it, which the phone uses from now on. */
  takesToken(device: Device, isProved = false): void {
    const inside = `<token xmlns="${FAST}" expiry="*" token="*"/>`
    const success = isProved ? this.succeeds(device, inside) : device.receives(`<success xmlns="${SASL2}">${inside}</success>`)
    const { token, expiry } = tokenIn(success)!.attrs
    this.token = token!
    this.expiry = expiry!
    device.receivesFeatures()
  }

  /** It is let in, and its connection breaks. */
  async isLetIn(way: Way = {}): Promise<void> {
    const device = await this.showsToken(way)
    this.succeeds(device)
    device.receivesFeatures()
    await device.breaks()
    this.#scene.forget(device)
  }

  /** The same, and it gets another token. */
  async getsAnother(): Promise<void> {
    const device = await this.showsToken()
    this.takesToken(device, true)
    await device.breaks()
    this.#scene.forget(device)
  }

  /** It is refused, and may try again. */
  async isRefused(way: Way = {}, condition = 'not-authorized'): Promise<Device> {
    const device = await this.showsToken(way)
    device.receives(failure(condition))
    return device
  }

  #hashed(side: string, device: Device, mechanism: string, token: string): Buffer {
    const hmac = createHmac('sha256', token).update(side)
    return mechanism.endsWith('ENDP') ? hmac.update(endPointHash(device.socket.certificate)).digest() : hmac.digest()
  }

  async #connects({ kind = 'tls', from = '', address }: Way): Promise<Device> {
    const device = this.#scene.device(kind, address)
    if (kind === 'websocket') await device.opens()
    else await device.sends(HEADER.replace(" version='1.0' xmlns", ` ${from} version='1.0' xmlns`))
    device.forget()
    return device
  }
}

export const failure = (condition: string): string =>
  `<failure xmlns="${SASL2}"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>`

/** What is kept of tokens. */
export const rows = ({ world }: Scene): Promise<Row[]> =>
  world.store.all<Row>(sql`SELECT account, client, slot, gone_by FROM fast_token ORDER BY account, client, slot`)

interface Row {
  readonly account: string
  readonly client: string
  readonly slot: string
  readonly gone_by: number
}

export const tokenIn = (success: Element): Element | undefined => success.elements().find(({ ns, name }) => ns === FAST && name === 'token')

const userAgent = (id: string | undefined, inside = ''): string =>
  id === undefined ? '' : `<user-agent xmlns="${SASL2}" id="${id}">${inside}</user-agent>`

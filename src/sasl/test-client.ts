import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** The client side of SCRAM for tests. Shares no code with the server side, so that a mistake cannot hide by being made twice. */
export interface TestClientOptions {
  readonly mechanism: string
  readonly username: string
  readonly password: string
  readonly authzid?: string
  readonly nonce?: string
  /** The GS2 flag without a channel binding; `n` unless given. */
  readonly flag?: 'n' | 'y'
  readonly binding?: { readonly type: string; readonly data: Buffer }
  /** What the client saw announced; checked against `h` (XEP-0474) if given. */
  readonly offer?: { readonly mechanisms: readonly string[]; readonly channelBindings: readonly string[] }
  /** The client's own TLS version as in XEP-0515, like `0304`; checked against `t` if given. */
  readonly tlsVersion?: string
}

export class TestClient {
  /** Set by `final`. */
  saltedPassword: Buffer = Buffer.alloc(0)
  clientKey: Buffer = Buffer.alloc(0)
  proof: Buffer = Buffer.alloc(0)
  readonly #options: TestClientOptions
  readonly #hash: string
  readonly #header: string
  readonly #bare: string
  #signature = ''

  constructor(options: TestClientOptions) {
    const { mechanism, username, authzid, binding, flag = 'n', nonce = randomBytes(18).toString('base64') } = options
    this.#options = options
    this.#hash = mechanism.replace(/^SCRAM-/, '').replace(/-PLUS$/, '')
    this.#header = `${binding ? `p=${binding.type}` : flag},${authzid ? `a=${escapeName(authzid)}` : ''},`
    this.#bare = `n=${escapeName(username)},r=${nonce}`
  }

  /** The client-first-message. */
  first(): Buffer {
    return Buffer.from(this.#header + this.#bare)
  }

  /** The client-final-message; throws if the server-first-message shows an attack. */
  final(serverFirst: Buffer): Buffer {
    const attributes = readAttributes(serverFirst)
    this.#checkDowngrade(attributes)
    const { password, binding } = this.#options
    const data = Buffer.concat([Buffer.from(this.#header), binding?.data ?? Buffer.alloc(0)])
    const withoutProof = `c=${data.toString('base64')},r=${attributes['r']}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    this.saltedPassword = saltPassword(this.#hash, password, attributes['s']!, Number(attributes['i']))
    this.clientKey = this.#hmac(this.saltedPassword, 'Client Key')
    this.proof = Buffer.from(this.#hmac(this.#digest(this.clientKey), authMessage).map((byte, i) => byte ^ this.clientKey[i]!))
    this.#signature = this.#hmac(this.#hmac(this.saltedPassword, 'Server Key'), authMessage).toString('base64')
    return Buffer.from(`${withoutProof},p=${this.proof.toString('base64')}`)
  }

  /** Throws unless the server has proved that it knows the password. */
  verify(serverFinal: Buffer | undefined): void {
    if (this.#signature === '' || serverFinal?.toString() !== `v=${this.#signature}`) throw new Error('wrong server signature')
  }

  #checkDowngrade(attributes: Record<string, string>): void {
    const { offer, tlsVersion } = this.#options
    if (tlsVersion !== undefined && attributes['t'] !== tlsVersion) throw new Error('TLS version was downgraded')
    if (offer === undefined) return
    const lists = [offer.mechanisms, offer.channelBindings].filter(list => list.length > 0)
    const announced = lists.map(list => [...list].sort().join('\x1e')).join('\x1f')
    if (attributes['h'] !== this.#digest(announced).toString('base64')) throw new Error('offer was downgraded')
  }

  #digest(data: Buffer | string): Buffer {
    return createHash(this.#hash).update(data).digest()
  }

  #hmac(key: Buffer, data: string): Buffer {
    return createHmac(this.#hash, key).update(data).digest()
  }
}

/** The message of PLAIN. */
export function plainMessage(username: string, password: string, authzid = ''): Buffer {
  return Buffer.from(`${authzid}\0${username}\0${password}`)
}

/** SaltedPassword by hash name (`SHA-256`) and base64 salt; remembered, so that many logins in one test run stay cheap. */
export function saltPassword(hash: string, password: string, salt: string, iterations: number): Buffer {
  const key = JSON.stringify([hash, password, salt, iterations])
  const known = salted.get(key)
  if (known !== undefined) return known
  const size = createHash(hash).digest().length
  const fresh = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, size, hash)
  salted.set(key, fresh)
  return fresh
}

const salted = new Map<string, Buffer>()

function readAttributes(message: Buffer): Record<string, string> {
  const parts = message.toString().split(',')
  return Object.fromEntries(parts.map(part => [part.slice(0, 1), part.slice(2)]))
}

function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

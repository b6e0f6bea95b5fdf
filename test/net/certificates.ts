/** Makes certificates for tests, good ones and such as no authority should make. */
import { generateKeyPairSync, hash, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'

/** A certificate with its key. */
export interface Made {
  readonly cert: X509Certificate
  readonly key: KeyObject
  readonly publicKey: KeyObject
  readonly name: Buffer
}

/** Alternative names, or the bases of name constraints. */
export interface Names {
  readonly dns?: readonly (string | Buffer)[]
  readonly srv?: readonly string[]
  readonly xmpp?: readonly string[]
  /** 4 or 16 octets; in constraints with a mask, 8 or 32. */
  readonly ip?: readonly (readonly number[])[]
  readonly email?: readonly string[]
  /** Common names. */
  readonly directory?: readonly string[]
}

/** What is not said is as a public authority has it today. */
export interface Wish {
  /** Common name. */
  readonly subject?: string
  readonly names?: Names
  readonly isAuthority?: boolean
  readonly pathLength?: number
  readonly keyUsage?: readonly (keyof typeof USAGES)[] | undefined
  readonly purposes?: readonly (keyof typeof PURPOSES)[] | undefined
  readonly permitted?: Names
  readonly excluded?: Names
  /** Further extensions: the identifier, whether it is critical, and its DER. */
  readonly extensions?: readonly (readonly [id: string, isCritical: boolean, value: Buffer])[]
  /** ms since the epoch. */
  readonly notBefore?: number
  readonly notAfter?: number
  readonly keys?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly hash?: 'sha256' | 'sha1'
  readonly hasKeyIds?: boolean
  /** 0 is version 1, which has no extensions; so one with names is malformed. */
  readonly version?: 0 | 2
}

const USAGES = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const
const PURPOSES = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2', any: '2.5.29.37.0' } as const
const DAY = 86_400_000

export const ecKeys = (namedCurve = 'P-256', paramEncoding: 'named' | 'explicit' = 'named') =>
  generateKeyPairSync('ec', { namedCurve, paramEncoding })
export const rsaKeys = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })

/** A certificate that signs itself: an authority unless told otherwise. */
export function selfSigned(wish: Wish = {}): Made {
  const keys = wish.keys ?? ecKeys()
  const name = nameOf(wish.subject ?? 'An Authority')
  return make({ isAuthority: true, ...wish }, keys, name, { key: keys.privateKey, publicKey: keys.publicKey, name })
}

/** A certificate signed by `issuer`: that of a server unless told otherwise. */
export function issuedBy(issuer: Omit<Made, 'cert'>, wish: Wish = {}): Made {
  return make(wish, wish.keys ?? ecKeys(), nameOf(wish.subject ?? (wish.isAuthority ? 'An Intermediate' : '')), issuer)
}

function make(wish: Wish, keys: NonNullable<Wish['keys']>, name: Buffer, issuer: Omit<Made, 'cert'>): Made {
  const { isAuthority = false, hasKeyIds = true, notBefore = Date.now() - DAY, notAfter = Date.now() + 90 * DAY } = wish
  const algorithm = algorithmOf(issuer.key, wish.hash ?? 'sha256')
  const purposes = 'purposes' in wish ? wish.purposes : isAuthority ? undefined : (['serverAuth'] as const)
  const usages = 'keyUsage' in wish ? wish.keyUsage : isAuthority ? (['keyCertSign', 'cRLSign'] as const) : (['digitalSignature'] as const)
  const length = wish.pathLength === undefined ? [] : [der(0x02, Buffer.of(wish.pathLength))]
  const constraints = wish.permitted || wish.excluded ? [subtrees(0xa0, wish.permitted), subtrees(0xa1, wish.excluded)] : undefined
  const extensions = [
    extension('2.5.29.19', true, isAuthority ? sequence(der(0x01, Buffer.of(0xff)), ...length) : sequence()),
    usages ? extension('2.5.29.15', true, der(0x03, flags(usages.reduce((sum, usage) => sum | USAGES[usage], 0)))) : NONE,
    purposes ? extension('2.5.29.37', false, sequence(...purposes.map(purpose => oid(PURPOSES[purpose])))) : NONE,
    wish.names ? extension('2.5.29.17', false, sequence(...generalNames(wish.names))) : NONE,
    constraints ? extension('2.5.29.30', true, sequence(...constraints)) : NONE,
    hasKeyIds ? extension('2.5.29.14', false, der(0x04, keyId(keys.publicKey))) : NONE,
    hasKeyIds ? extension('2.5.29.35', false, sequence(der(0x80, keyId(issuer.publicKey)))) : NONE,
    ...(wish.extensions ?? []).map(([id, isCritical, value]) => extension(id, isCritical, value)),
  ]
  const body = sequence(
    wish.version === 0 ? NONE : der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(0x40), randomBytes(15)),
    algorithm,
    issuer.name,
    sequence(time(notBefore), time(notAfter)),
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    wish.version === 0 && wish.names === undefined ? NONE : der(0xa3, sequence(...extensions)),
  )
  const signature = sign(issuer.key.asymmetricKeyType === 'ed25519' ? null : (wish.hash ?? 'sha256'), body, issuer.key)
  const cert = new X509Certificate(sequence(body, algorithm, der(0x03, Buffer.of(0), signature)))
  return { cert, key: keys.privateKey, publicKey: keys.publicKey, name }
}

const NONE = Buffer.alloc(0)

function algorithmOf({ asymmetricKeyType }: KeyObject, digest: 'sha256' | 'sha1'): Buffer {
  if (asymmetricKeyType === 'ed25519') return sequence(oid('1.3.101.112'))
  if (asymmetricKeyType === 'ec') return sequence(oid(digest === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'))
  return sequence(oid(digest === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11'), der(0x05))
}

function keyId(key: KeyObject): Buffer {
  return hash('sha256', key.export({ type: 'spki', format: 'der' }), 'buffer').subarray(0, 20)
}

function subtrees(tag: number, names: Names | undefined): Buffer {
  return names === undefined ? NONE : der(tag, ...generalNames(names).map(base => sequence(base)))
}

function generalNames({ dns = [], srv = [], xmpp = [], ip = [], email = [], directory = [] }: Names): Buffer[] {
  return [
    ...dns.map(name => der(0x82, typeof name === 'string' ? Buffer.from(name, 'latin1') : name)),
    ...srv.map(name => otherName('1.3.6.1.5.5.7.8.7', der(0x16, Buffer.from(name, 'latin1')))),
    ...xmpp.map(name => otherName('1.3.6.1.5.5.7.8.5', der(0x0c, Buffer.from(name)))),
    ...ip.map(octets => der(0x87, Buffer.from(octets))),
    ...email.map(address => der(0x81, Buffer.from(address))),
    ...directory.map(name => der(0xa4, nameOf(name))),
  ]
}

function otherName(id: string, value: Buffer): Buffer {
  return der(0xa0, oid(id), der(0xa0, value))
}

/** DER of a Name with this common name, as UTF8String or another kind of string; empty for ''. */
export function nameOf(commonName: string, tag = 0x0c): Buffer {
  return commonName === '' ? sequence() : sequence(der(0x31, sequence(oid('2.5.4.3'), der(tag, Buffer.from(commonName)))))
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), isCritical ? der(0x01, Buffer.of(0xff)) : NONE, der(0x04, value))
}

function flags(octet: number): Buffer {
  let unused = 0
  while (((octet >> unused) & 1) === 0) unused++
  return Buffer.of(unused, octet)
}

function time(at: number): Buffer {
  const digits = `${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

/** DER of an object identifier. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(value: number): number[] {
  const octets = [value & 0x7f]
  for (let left = value >>> 7; left > 0; left >>>= 7) octets.unshift((left & 0x7f) | 0x80)
  return octets
}

/** DER of a sequence. */
export function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

/** DER of one element. */
export function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  for (let left = body.length; left > 0; left = Math.floor(left / 0x100)) length.unshift(left & 0xff)
  const head = body.length < 0x80 ? [tag, body.length] : [tag, 0x80 | length.length, ...length]
  return Buffer.concat([Buffer.from(head), body])
}

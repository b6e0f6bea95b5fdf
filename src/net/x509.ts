/** A small writer of X.509 certificates (RFC 5280) in DER (X.690): P-256 keys, ECDSA with SHA-256, nothing else. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { domainToASCII } from 'node:url'

/** A certificate and its private key, both PEM. */
export interface Credentials {
  readonly cert: string
  readonly key: string
}

interface Request {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly signerKeyId: Buffer
  readonly extensions: readonly Buffer[]
  readonly days: number
  readonly now: number
}

const DAY = 86_400_000
// RFC 5280 §4.1.2.5: the clock of a peer may be behind ours.
const BACKDATED = 3_600_000
// RFC 5280, ub-common-name
const LONGEST_COMMON_NAME = 64

const DIGITAL_SIGNATURE = bits(7, 0x80)
const CERT_SIGN_AND_CRL_SIGN = bits(1, 0x06)

/** A new self-signed authority which may sign leaves, and no further authorities. */
export function makeAuthority(commonName: string, days: number, now = Date.now()): Credentials {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = nameOf(commonName)
  const cert = certificate({
    issuer: name,
    subject: name,
    publicKey,
    signer: privateKey,
    signerKeyId: keyId(publicKey),
    extensions: [
      extension('2.5.29.19', true, sequence(boolean(true), integer(Buffer.of(0)))),
      extension('2.5.29.15', true, CERT_SIGN_AND_CRL_SIGN),
    ],
    days,
    now,
  })
  return { cert, key: pkcs8(privateKey) }
}

/** A new server certificate for these DNS names, signed by `authority`. Throws when a name is not a DNS name. */
export function makeLeaf(authority: Credentials, names: readonly string[], days: number, now = Date.now()): Credentials {
  const ascii = names.map(dnsName)
  const [first] = ascii
  if (first === undefined) throw new Error('A certificate needs at least one name.')
  const issuer = new X509Certificate(authority.cert)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const commonName = first.length <= LONGEST_COMMON_NAME ? first : ''
  const cert = certificate({
    issuer: nameOf(issuer.subject.replace(/^CN=/, '')),
    subject: nameOf(commonName),
    publicKey,
    signer: createPrivateKey(authority.key),
    signerKeyId: keyId(issuer.publicKey),
    extensions: [
      extension('2.5.29.19', true, sequence()),
      extension('2.5.29.15', true, DIGITAL_SIGNATURE),
      extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
      // RFC 5280 §4.2.1.6: critical when the subject is empty.
      extension('2.5.29.17', commonName === '', sequence(...ascii.map(name => der(0x82, Buffer.from(name, 'latin1'))))),
    ],
    days,
    now,
  })
  return { cert, key: pkcs8(privateKey) }
}

function certificate({ issuer, subject, publicKey, signer, signerKeyId, extensions, days, now }: Request): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const body = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(serialNumber()),
    algorithm,
    issuer,
    sequence(time(now - BACKDATED), time(now + days * DAY)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension('2.5.29.14', false, der(0x04, keyId(publicKey))),
        extension('2.5.29.35', false, sequence(der(0x80, signerKeyId))),
      ),
    ),
  )
  const signature = sign('sha256', body, signer)
  return pem('CERTIFICATE', sequence(body, algorithm, der(0x03, Buffer.of(0), signature)))
}

function dnsName(name: string): string {
  const wildcard = name.startsWith('*.') ? '*.' : ''
  const domain = name.slice(wildcard.length)
  // `domainToASCII` reads a URL's host: it would take `a` of `a/b`.
  const ascii = /[/\\?#@:%\s]/.test(domain) ? '' : domainToASCII(domain)
  if (!/^[a-z0-9.-]{1,253}$/.test(ascii)) throw new Error(`“${name}” is not a domain name a certificate can be made for.`)
  return wildcard + ascii
}

// RFC 5280 §4.1.2.2: positive and at most 20 octets.
function serialNumber(): Buffer {
  const serial = randomBytes(20)
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return serial
}

// RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 hash of the public key.
function keyId(key: KeyObject): Buffer {
  const { x, y } = createPublicKey({ key: key.export({ type: 'spki', format: 'der' }), type: 'spki', format: 'der' }).export({
    format: 'jwk',
  })
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')])
  return hash('sha256', point, 'buffer').subarray(0, 20)
}

function nameOf(commonName: string): Buffer {
  if (commonName === '') return sequence()
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), der(0x04, value))
}

// RFC 5280 §4.1.2.5: UTCTime through the year 2049, GeneralizedTime from 2050.
function time(at: number): Buffer {
  const digits = `${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.of(value ? 0xff : 0))
}

/** `bytes` is big-endian, its highest bit clear. */
function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes)
}

function bits(unused: number, byte: number): Buffer {
  return der(0x03, Buffer.of(unused, byte))
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(value: number): number[] {
  const octets = [value & 0x7f]
  for (let left = value >>> 7; left > 0; left >>>= 7) octets.unshift((left & 0x7f) | 0x80)
  return octets
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >>> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), ...parts])
}

function pem(label: string, body: Buffer): string {
  return `-----BEGIN ${label}-----\n${body.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

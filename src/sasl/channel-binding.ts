import { hash, type X509Certificate } from 'node:crypto'

/** What the connection can be bound to. The functions give the channel binding data (RFC 5056). */
export interface ChannelBinding {
  /** RFC 9266, `EXPORTER-Channel-Binding`. Ignored unless `tlsVersion` is 1.3: older TLS needs an extension that cannot be checked. */
  readonly exporter?: () => Buffer
  /** RFC 5929 §4, see `endPointHash`. */
  readonly endPoint?: () => Buffer
  /** Missing where TLS ends elsewhere or there is none. */
  readonly tlsVersion?: '1.2' | '1.3'
}

/** The types to announce (XEP-0440), strongest first. */
export function channelBindingTypes(binding: ChannelBinding): string[] {
  return ['tls-exporter', 'tls-server-end-point'].filter(type => sourceOf(binding, type) !== undefined)
}

/** The data of one type, or nothing where this connection does not have it. */
export function channelBindingData(binding: ChannelBinding, type: string): Buffer | undefined {
  return sourceOf(binding, type)?.()
}

function sourceOf(binding: ChannelBinding, type: string): (() => Buffer) | undefined {
  if (type === 'tls-exporter' && binding.tlsVersion === '1.3') return binding.exporter
  if (type === 'tls-server-end-point') return binding.endPoint
  return undefined
}

/** Object identifiers, as DER writes them, of signatures and of RSASSA-PSS parameters whose hash is not SHA-256. */
const OTHER_HASHES: readonly (readonly [oid: string, digest: string])[] = [
  ['06092a864886f70d01010e', 'sha224'],
  ['06092a864886f70d01010c', 'sha384'],
  ['06092a864886f70d01010d', 'sha512'],
  ['06082a8648ce3d040301', 'sha224'],
  ['06082a8648ce3d040303', 'sha384'],
  ['06082a8648ce3d040304', 'sha512'],
  ['0609608648016503040204', 'sha224'],
  ['0609608648016503040202', 'sha384'],
  ['0609608648016503040203', 'sha512'],
]

/**
 * The data of `tls-server-end-point` (RFC 5929 §4.1): the certificate under the hash of its own signature, but SHA-256
 * for MD5 and SHA-1; SHA-256 also where the signature names no hash (EdDSA), for which the RFC has no rule.
 */
export function endPointHash(certificate: X509Certificate): Buffer {
  const algorithm = signatureAlgorithm(certificate.raw).toString('hex')
  const digest = OTHER_HASHES.find(([oid]) => algorithm.includes(oid))?.[1] ?? 'sha256'
  return hash(digest, certificate.raw, 'buffer')
}

/** The second of the three parts of a certificate (RFC 5280 §4.1). */
function signatureAlgorithm(der: Buffer): Buffer {
  const outer = derContent(der, 0)
  const signed = derContent(der, outer.start)
  const algorithm = derContent(der, signed.end)
  return der.subarray(algorithm.start, algorithm.end)
}

function derContent(der: Buffer, at: number): { start: number; end: number } {
  const first = der.readUInt8(at + 1)
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const bytes = first & 0x7f
  const start = at + 2 + bytes
  return { start, end: start + der.readUIntBE(at + 2, bytes) }
}

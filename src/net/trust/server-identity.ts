import type { X509Certificate } from 'node:crypto'
import { addressOctets, asciiDomain } from '../domain-name.ts'
import { readCertificate } from './certificate.ts'
import { DerError } from './der.ts'
import { type GeneralNames, TooManyNames } from './general-names.ts'

/**
 * Whether the certificate is one for this domain of XMPP (U-labels or A-labels), by its alternative names alone: a DNS name,
 * an SRVName of `service`, or a JID (RFC 6120 §13.7.1.2, RFC 9525 §6). The common name is never looked at. Never throws.
 */
export function namesDomain(cert: X509Certificate, domain: string, service = 'xmpp-server'): boolean {
  const names = namesOf(cert)
  if (names === undefined) return false
  const address = addressOctets(domain)
  if (address !== undefined) return names.ipAddresses.some(octets => octets.equals(address))
  const wanted = asciiDomain(domain)
  if (wanted === undefined) return false
  return (
    names.dnsNames.some(name => matchesDns(name.toLowerCase(), wanted)) ||
    names.srvNames.some(name => name.toLowerCase() === `_${service}.${wanted}`) ||
    // One with a local part is that of a user.
    names.xmppAddresses.some(name => asciiDomain(name) === wanted)
  )
}

// RFC 9525 §6.3: the wildcard is the whole first label and stands for one label. That of a whole top-level domain is
// nobody's. What is no ASCII, or has a NUL, equals nothing `asciiDomain` gives.
function matchesDns(name: string, domain: string): boolean {
  if (!name.startsWith('*.')) return name === domain
  const rest = name.slice(1)
  const label = domain.length - rest.length
  return rest.indexOf('.', 1) > 0 && label > 0 && domain.endsWith(rest) && !domain.slice(0, label).includes('.')
}

function namesOf(cert: X509Certificate): GeneralNames | undefined {
  try {
    return readCertificate(cert)
  } catch (error) {
    if (error instanceof DerError || error instanceof TooManyNames) return undefined
    throw error
  }
}

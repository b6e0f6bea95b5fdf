import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

// One more than `validatePath` takes, so that it sees when there were too many.
const MOST = 17

/** The certificates the other side has presented, in the order in which they came; none if it has shown none. */
export function presentedBy(socket: TLSSocket): readonly X509Certificate[] {
  const presented: X509Certificate[] = []
  // Node strings together what came, whoever issued it; nothing of its own store is added.
  for (let cert = socket.getPeerX509Certificate(); cert !== undefined && presented.length < MOST; cert = cert.issuerCertificate)
    presented.push(cert)
  return presented
}

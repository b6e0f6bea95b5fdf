/**
 * Throws unless these are as many bytes as a secret has, and not all zero: what was wiped or destroyed must not seal anything, since
 * everybody could open it.
 */
export function requireSecret(secret: Buffer, size = secret.length): void {
  if (secret.length !== size || secret.every(byte => byte === 0)) throw new Error('this is no secret, or one that was wiped')
}

/**
 * `unreadable`: the wrong key or secret, or not the bytes that were sealed. `substituted`: the public key beside the account is not
 * that of its private key. `malformed`: no format that is known here.
 */
export type SealReason = 'unreadable' | 'substituted' | 'malformed'

/** What was sealed does not open. The message is a sentence for operators and names nobody. */
export class SealError extends Error {
  readonly reason: SealReason

  constructor(reason: SealReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SealError'
    this.reason = reason
  }
}

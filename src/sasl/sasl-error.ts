/** The failure conditions of RFC 6120 §6.5. */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

/** Ends an exchange. It says no more than the condition: what exactly was wrong helps only those who guess. */
export class SaslError extends Error {
  readonly condition: SaslCondition

  constructor(condition: SaslCondition, options?: ErrorOptions) {
    super(condition, options)
    this.name = 'SaslError'
    this.condition = condition
  }
}

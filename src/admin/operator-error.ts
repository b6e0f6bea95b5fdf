/** Exit code of sysexits.h: the settings, or what they point to, cannot be used. systemd must not start us again then. */
export const EX_CONFIG = 78

/** What went wrong, as a sentence for the operator; it ends the command with its exit code. */
export class OperatorError extends Error {
  readonly exitCode: number

  constructor(sentence: string, exitCode = 1, options?: ErrorOptions) {
    super(sentence, options)
    this.name = 'OperatorError'
    this.exitCode = exitCode
  }
}

/** A command written wrongly: it tells how it is used, with exit code 2. */
export class UsageError extends OperatorError {
  constructor(sentence: string) {
    super(sentence, 2)
    this.name = 'UsageError'
  }
}

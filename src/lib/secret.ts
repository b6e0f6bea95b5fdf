/** A secret in memory that can be overwritten. */
export class Secret {
  readonly bytes: Buffer

  /** Takes the buffer over: nobody else may keep it. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  wipe(): void {
    this.bytes.fill(0)
  }
}

/** Bytes that must not outlive their use. Whoever holds one last calls `wipe`. */
export class Secret {
  readonly bytes: Buffer

  /** Takes the bytes over: nobody else may keep or share them. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Overwrites the bytes with zeros. */
  wipe(): void {
    this.bytes.fill(0)
  }
}

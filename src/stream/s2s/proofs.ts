/** What was proved on one connection: that alone says whose stanzas may go out and come in there (RFC 6120 §8.1.2.2, XEP-0220 §1.1). */
export class Proofs {
  /** Pairs of domains, sender first. */
  readonly #out = new Set<string>()
  readonly #in = new Set<string>()
  /** Domains that the other side has proved whomever of us they write to (XEP-0178 §3). */
  readonly #certified = new Set<string>()

  allowOut(local: string, remote: string): void {
    this.#out.add(pair(local, remote))
  }

  allowIn(remote: string, local: string): void {
    this.#in.add(pair(remote, local))
  }

  certify(remote: string): void {
    this.#certified.add(remote)
  }

  /** How many pairs there are. */
  get pairs(): number {
    return this.#out.size + this.#in.size
  }

  get isEmpty(): boolean {
    return this.pairs === 0 && this.#certified.size === 0
  }

  allowsOut(local: string, remote: string): boolean {
    return this.#out.has(pair(local, remote))
  }

  allowsIn(remote: string, local: string): boolean {
    return this.#certified.has(remote) || this.#in.has(pair(remote, local))
  }

  /** Whether the other side's certificate has proved that domain. */
  hasCertified(remote: string): boolean {
    return this.#certified.has(remote)
  }

  /** Whether some domain of ours may write to that one. */
  allowsSomeOut(remote: string): boolean {
    return [...this.#out].some(text => text.endsWith(` ${remote}`))
  }

  /** Whether that domain may write to some of ours. */
  allowsSomeIn(remote: string): boolean {
    return this.hasCertified(remote) || [...this.#in].some(text => text.startsWith(`${remote} `))
  }
}

/** Domains have no spaces. */
const pair = (from: string, to: string): string => `${from} ${to}`

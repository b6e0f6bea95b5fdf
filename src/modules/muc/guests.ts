import type { Jid } from '../../xmpp/jid.ts'

/** In how many rooms each person is, with how many clients: of all rooms of the service together. */
export class Guests {
  readonly #visits = new Map<string, number>()

  visitsOf(who: Jid): number {
    return this.#visits.get(String(who.bare)) ?? 0
  }

  entered(client: Jid): void {
    this.#visits.set(String(client.bare), this.visitsOf(client) + 1)
  }

  left(client: Jid): void {
    const left = this.visitsOf(client) - 1
    if (left > 0) this.#visits.set(String(client.bare), left)
    else this.#visits.delete(String(client.bare))
  }
}

import type { Account } from '../../core/account.ts'
import type { Session } from '../../core/session.ts'
import type { Tokens } from '../../core/tokens.ts'

/** A client that is logged in to an account, or can do so by a token. */
export interface AccountClient {
  /** Opaque to clients; by it one is revoked. */
  readonly id: string
  /** What the server knows it as; undefined for one that has not said who it is. */
  readonly client: string | undefined
  readonly sessions: readonly Session[]
  readonly hasToken: boolean
}

/** The clients of an account: several sessions of one that says who it is are one, each of the others is one. */
export async function clientsOf(account: Account, tokens: Tokens): Promise<AccountClient[]> {
  const withTokens = await tokens.clients(account)
  const sessions = [...account.sessions.values()]
  const named = new Set([...withTokens, ...sessions.flatMap(({ client }) => client ?? [])])
  return [
    ...[...named].map(client => ({
      id: `client/${client}`,
      client,
      sessions: sessions.filter(session => session.client === client),
      hasToken: withTokens.includes(client),
    })),
    ...sessions
      .filter(({ client }) => client === undefined)
      .map(session => ({ id: `session/${session.jid.resource}`, client: undefined, sessions: [session], hasToken: false })),
  ]
}

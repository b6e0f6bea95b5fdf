import { timingSafeEqual } from 'node:crypto'
import { type FastKind, hashedToken, openFast } from '../seal/fast.ts'
import type { PrivateKey } from '../seal/private-key.ts'
import { SealError } from '../seal/seal-error.ts'
import type { Account } from './account.ts'
import type { TokenRow } from './token-store.ts'
import type { Tokens } from './tokens.ts'

/** What is kept of one token, as a mechanism sees it. */
export interface KeptToken {
  readonly mechanism: FastKind | undefined
  readonly verifier: Buffer
  open(proof: Buffer, binding: Buffer): Promise<Buffer | undefined>
}

/** A token that a client has shown. */
export interface ShownToken {
  readonly account: Account
  readonly client: string
  readonly row: TokenRow
  /** In days since the epoch. */
  readonly issuedOn: number
  readonly key: PrivateKey
  readonly generation: number
}

/** No proof hashes to zeros. */
const NOTHING: KeptToken = { mechanism: undefined, verifier: Buffer.alloc(32), open: async () => undefined }

/** One login by a token: finds the two that a client may have (XEP-0484 §6.1), and holds what the right one has opened. */
export class TokenLogin {
  /** Known once the token was right. Its key is the caller's to wipe, or to give on. */
  shown: ShownToken | undefined
  readonly #tokens: Tokens
  readonly #id: string

  /** `id` is what the client calls itself (XEP-0388 §2.2). */
  constructor(tokens: Tokens, id: string) {
    this.#tokens = tokens
    this.#id = id
  }

  /** The new token and the one in use; where there is none, one that nothing opens. Whoever is asked about costs the same. */
  async find(username: string): Promise<readonly KeptToken[]> {
    const client = await this.#tokens.clientOf(username, this.#id)
    const rows = await this.#tokens.kept(username, client)
    return (['new', 'current'] as const).map(slot => {
      const row = rows.find(each => each.slot === slot)
      return row === undefined ? NOTHING : this.#keptToken(username, client, row)
    })
  }

  #keptToken(username: string, client: string, row: TokenRow): KeptToken {
    const mechanism = row.mechanism as FastKind
    const open = async (proof: Buffer, binding: Buffer): Promise<Buffer | undefined> => {
      const { accounts, keys, log } = this.#tokens.host
      const account = accounts.of(username)
      await account.turn.take(() => undefined) // its first turn reads its public key
      if (account.trouble !== undefined) throw account.trouble
      const sealed = keys.of(account)
      if (sealed === undefined) return undefined
      try {
        const record = { verifier: row.verifier, wrap: row.wrap, tokenBox: row.box }
        const { token, key } = openFast(mechanism, proof, record, sealed, { isUnchecked: true }) // compared when it is first used
        const issuedOn = dayOf(token.bytes)
        const expected = hashedToken(token.bytes, 'Initiator', binding)
        const isRight = timingSafeEqual(expected, proof) && this.#tokens.isInForce(issuedOn)
        expected.fill(0)
        const answer = isRight ? hashedToken(token.bytes, 'Responder', binding) : undefined
        token.wipe()
        if (answer === undefined) key.wipe()
        else this.shown = { account, client, row, issuedOn, key, generation: sealed.generation }
        return answer
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        log.fault('token.unreadable', error)
        return undefined
      }
    }
    return { mechanism, verifier: row.verifier, open }
  }
}

/** The day stands in the token itself: so it is sealed with it, and on disk is not to be seen. */
export const tokenOf = (secret: string, day: number): Buffer => Buffer.from(`${secret}.${day}`, 'latin1')

const dayOf = (token: Buffer): number => Number(token.toString('latin1', token.indexOf('.') + 1))

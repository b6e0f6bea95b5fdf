import type { Secret } from '../lib/secret.ts'
import type { ScramCredential } from './credential.ts'
import { SaslError } from './sasl-error.ts'

export interface Challenge {
  readonly kind: 'challenge'
  readonly data: Buffer
}

export interface Success {
  readonly kind: 'success'
  /** As `prepareUsername` returned it. */
  readonly username: string
  /** Additional data with success, if the mechanism has any. */
  readonly data: Buffer | undefined
  /** The receiver wipes it. */
  readonly clientKey: Secret
  /** That the ClientKey is of. */
  readonly credential: ScramCredential
}

/** The client has shown a token; what that opened, its source has. */
export interface TokenSuccess extends Pick<Success, 'kind' | 'username'> {
  readonly data: Buffer
  readonly clientKey?: undefined
  readonly credential?: undefined
}

export type Step = Challenge | Success | TokenSuccess

/** One run of one mechanism, server side. Base64 is decoded outside. */
export interface Exchange {
  /** Takes the client's next message and overwrites it with zeros. Rejects with a `SaslError`, after which the exchange is over. */
  step(input: Buffer): Promise<Step>
  /** Ends the exchange and wipes what it holds. A step under way is rejected. */
  abort(): void
}

/** What a mechanism does between the client's first message and its success; its `finally` blocks wipe what it holds. */
export type Conversation = AsyncGenerator<Challenge, Success | TokenSuccess, Buffer>

/** Messages above this many bytes are refused unread. */
const LARGEST_MESSAGE = 4096

/** Holds a conversation to the rules that are the same for every mechanism. */
export class ConversationExchange implements Exchange {
  readonly #begin: (first: Buffer) => Conversation
  #conversation: Conversation | undefined
  #isBusy = false
  #isOver = false

  constructor(begin: (first: Buffer) => Conversation) {
    this.#begin = begin
  }

  async step(input: Buffer): Promise<Step> {
    try {
      if (this.#isOver || this.#isBusy || input.length > LARGEST_MESSAGE) throw new SaslError('malformed-request')
      this.#isBusy = true
      this.#conversation ??= this.#begin(input)
      const { value } = await this.#conversation.next(input)
      this.#isBusy = false
      if (this.#isOver) forget(value)
      this.#isOver = value.kind === 'success'
      return value
    } catch (error) {
      this.abort()
      throw error instanceof SaslError ? error : new SaslError('temporary-auth-failure', { cause: error })
    } finally {
      input.fill(0)
    }
  }

  abort(): void {
    this.#isOver = true
    // Never rejects: a `finally` block that only wipes cannot throw, and what else the conversation threw went to `step`.
    void this.#conversation?.return(undefined as never)
  }
}

function forget(step: Step): never {
  if (step.kind === 'success') step.clientKey?.wipe()
  throw new SaslError('aborted')
}

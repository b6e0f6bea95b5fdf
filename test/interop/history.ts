import { setTimeout as pause } from 'node:timers/promises'
import type { Device } from './device.ts'

/** What a client knows of a message, live or from the archive. */
export interface Message {
  readonly body: string
  readonly from: string
  readonly to: string
  readonly id?: string
  /** That of the client's own server (XEP-0359), which is the message's id in the archive. */
  readonly stanzaId?: string
  /** From the archive alone. */
  readonly stamp?: string
}

/** What was said in a conversation, and the ids that each side's server gave to what it received. */
export interface History {
  readonly bodies: string[]
  readonly idsOf: Readonly<Record<string, Map<string, string>>>
  readonly startedAt: number
  readonly endedAt: number
}

/**
 * The two take turns; when one has heard all that the other said, it goes on. So the order is the same for both.
 * Those that are not said at once have each a time of its own, in ms.
 */
export async function talk(one: Device, other: Device, count: number, what = 'message', atOnce = 10): Promise<History> {
  const bodies = Array.from({ length: count }, (_, at) => `${what} ${at}`)
  const idsOf = { [one.address]: new Map<string, string>(), [other.address]: new Map<string, string>() }
  const startedAt = Date.now()
  for (let at = 0; at < count; at += atOnce) {
    const [speaker, listener] = Math.floor(at / 10) % 2 === 0 ? [one, other] : [other, one]
    const said = bodies.slice(at, at + atOnce)
    await pause(1)
    speaker.send(listener.address, ...said)
    for (const body of said) {
      const { stanzaId } = await listener.hears('message', { body })
      idsOf[listener.address]!.set(body, stanzaId as string)
    }
  }
  return { bodies, idsOf, startedAt, endedAt: Date.now() }
}

/** The whole archive, or what of it is within the limits, page by page. */
export async function readAll(device: Device, limits: Record<string, unknown> = {}): Promise<Message[]> {
  const { messages } = await device.asks('all', 'history', { max: 40, ...limits })
  return messages as Message[]
}

export const bodiesOf = (messages: Iterable<Message>): string[] => Array.from(messages, ({ body }) => body)

/** What a client shows that knows a message again by its id in the archive, and its own ones by the id it gave them. */
export class View {
  readonly #shown: Message[] = []

  /** What is new is put behind what is there. */
  take(messages: Iterable<Message>): void {
    for (const message of messages) if (!this.#shown.some(shown => isSame(shown, message))) this.#shown.push(message)
  }

  get bodies(): string[] {
    return bodiesOf(this.#shown)
  }
}

function isSame(one: Message, other: Message): boolean {
  if (one.stanzaId !== undefined && other.stanzaId !== undefined) return one.stanzaId === other.stanzaId
  return one.id === other.id && bare(one.from) === bare(other.from)
}

const bare = (address: string): string => address.split('/')[0]!

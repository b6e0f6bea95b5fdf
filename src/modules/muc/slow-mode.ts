// XEP-0500: MUC Slow Mode

import type { Hooks } from '../../core/hooks.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Client } from '../../xmpp/stanza.ts'
import { may } from './access.ts'
import type { Context } from './context.ts'
import { speechChecked } from './points.ts'
import type { Room } from './room.ts'

/** So many are remembered who have spoken. */
const MOST = 10_000

/** When those have spoken who may not speak again yet: by person, whatever his nicks and clients (§7). */
export class SlowMode {
  /** By bare address; the one that spoke last is the last. */
  readonly #spokenAt = new Map<string, number>()

  /** Somebody speaks. Throws if he has done so less than `seconds` ago. */
  mustWait(bare: string, seconds: number, now: number): void {
    this.#forget(seconds, now)
    const last = this.#spokenAt.get(bare)
    if (last !== undefined) {
      const left = Math.ceil((last + seconds * 1000 - now) / 1000)
      throw new StanzaError(
        'policy-violation',
        `The room is in slow mode: wait ${seconds} seconds between messages. You may speak again in ${left} seconds.`,
        { type: 'wait' },
      )
    }
    this.#spokenAt.set(bare, now)
    if (this.#spokenAt.size > MOST) for (const oldest of this.#spokenAt.keys().take(1)) this.#spokenAt.delete(oldest)
  }

  /** Whoever may speak again; and a clock that was put back keeps nobody silent. */
  #forget(seconds: number, now: number): void {
    for (const [bare, at] of this.#spokenAt) {
      if (at <= now && now - at < seconds * 1000) return
      this.#spokenAt.delete(bare)
    }
  }
}

/** Owners say how long people wait between two messages; admins and owners need not (§5). */
export function keepPace({ described }: Context, on: Hooks['on']): void {
  const paces = new WeakMap<Room, SlowMode>()
  on(speechChecked, function mustWait({ room, visit, stanza, at }) {
    const { config } = room
    // §5: what nobody reads does not count; it is bounded as all messages are.
    if (config.slowMode === 0 || stanza.child(Client, 'body') === undefined || may('speakFast', room.standingOf(visit.jid), config)) return
    const pace = paces.get(room) ?? new SlowMode()
    paces.set(room, pace)
    pace.mustWait(String(visit.occupant.bare), config.slowMode, at)
  })
  // §4.2
  described.fields.push(({ config }) => [
    { var: 'muc#roominfo_slow_mode_duration', type: 'text-single', values: [String(config.slowMode)] },
  ])
}

// XEP-0502: MUC Activity Indicator

import type { Hooks } from '../../core/hooks.ts'
import { Client } from '../../xmpp/stanza.ts'
import { correctedId } from '../archive/archive.ts'
import type { Context } from './context.ts'
import { speechSaid } from './points.ts'
import type { Room } from './room.ts'

const FIELD = '{urn:xmpp:muc-activity}message-activity'
const HOUR = 3_600_000
const HOURS = 24

/** How much is said in a room. */
export class Activity {
  /** Of the hour that runs, then of those before it. */
  readonly #counts: number[] = [0]
  #hour: number

  constructor(now: number) {
    this.#hour = hourOf(now)
  }

  /** Something was said. */
  count(now: number): void {
    this.#shift(now)
    this.#counts[0]!++
  }

  /** Messages in an hour, on the average of the last day; undefined while not one hour is over. */
  perHour(now: number): number | undefined {
    this.#shift(now)
    const over = this.#counts.slice(1)
    return over.length === 0 ? undefined : over.reduce((sum, count) => sum + count, 0) / over.length
  }

  #shift(now: number): void {
    const passed = Math.max(0, Math.min(hourOf(now) - this.#hour, HOURS + 1))
    this.#hour = hourOf(now)
    for (let i = 0; i < passed; i++) this.#counts.unshift(0)
    this.#counts.length = Math.min(this.#counts.length, HOURS + 1)
  }
}

const hourOf = (ms: number): number => Math.floor(ms / HOUR)

/** Of rooms that everybody can find and enter, it is said how much is said in them (§3.1, §9). */
export function showActivity({ clock, described }: Context, on: Hooks['on']): void {
  const activities = new WeakMap<Room, Activity>()
  const activityOf = (room: Room): Activity => {
    const activity = activities.get(room) ?? new Activity(clock.now())
    activities.set(room, activity)
    return activity
  }
  on(speechSaid, function countSpeech({ room, stanza, at }) {
    // §4: what people read, and only once.
    if (stanza.child(Client, 'body') !== undefined && correctedId(stanza) === undefined) activityOf(room).count(at)
  })
  described.fields.push(room => {
    const { isPublic, isPersistent, isMembersOnly, password } = room.config
    if (!isPublic || !isPersistent || isMembersOnly || password !== '') return []
    const perHour = activityOf(room).perHour(clock.now())
    return perHour === undefined ? [] : [{ var: FIELD, label: 'Messages per hour', values: [perHour.toFixed(2)] }]
  })
}

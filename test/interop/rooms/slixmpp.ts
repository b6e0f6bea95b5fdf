import assert from 'node:assert/strict'
import type { Device, Told } from '../device.ts'
import type { Occupant } from './occupant.ts'

/** What a room sends to who enters. */
export interface Entrance {
  readonly codes: readonly number[]
  readonly others: readonly string[]
  readonly history: readonly { readonly from: string; readonly body: string }[]
  readonly subject: string
}

/** Somebody with slixmpp. */
export class SlixmppOccupant implements Occupant {
  nick: string
  readonly address: string
  readonly device: Device
  readonly room: string
  entrance: Entrance

  private constructor(device: Device, room: string, nick: string, entrance: Entrance) {
    this.device = device
    this.address = device.address
    this.room = room
    this.nick = nick
    this.entrance = entrance
  }

  static async enter(device: Device, room: string, nick: string, password?: string): Promise<SlixmppOccupant> {
    const told = await device.asks('enter', 'entered', { room, nick, password })
    assert.equal(told['refused'], undefined)
    return new SlixmppOccupant(device, room, nick, told as unknown as Entrance)
  }

  /** Enters anew, and forgets what it has heard. */
  async entersAgain(): Promise<void> {
    const told = await this.device.asks('enter', 'entered', { room: this.room, nick: this.nick })
    assert.equal(told['refused'], undefined)
    this.entrance = told as unknown as Entrance
  }

  /** Its connection has broken: it logs in anew. */
  async comesBack(): Promise<void> {
    await this.device.hears('lost')
    this.device.do('reconnect')
    await this.device.hears('online')
    this.device.do('presence')
  }

  /** A mediated invitation (XEP-0045 §7.8.2). */
  async invites(jid: string, reason: string): Promise<void> {
    await this.device.asks('invite', 'did', { room: this.room, jid, reason })
  }

  async says(body: string): Promise<void> {
    this.device.do('say', { room: this.room, body })
  }

  async transcript(): Promise<readonly string[]> {
    const heard = this.device.told('message', { from: this.room, type: 'groupchat' })
    return heard.map(({ from, body }) => `${nickOf(String(from))}: ${body}`)
  }

  async present(): Promise<readonly string[]> {
    const { nicks } = await this.device.asks('present', 'present', { room: this.room })
    return nicks as string[]
  }

  whispers(nick: string, body: string): Promise<Told> {
    return this.device.asks('send', 'sent', { to: `${this.room}/${nick}`, bodies: [body] })
  }

  async takesNick(nick: string): Promise<void> {
    await this.device.asks('rename', 'did', { room: this.room, nick })
    this.nick = nick
  }

  async leaves(): Promise<void> {
    await this.device.asks('leave', 'did', { room: this.room })
  }

  /** Changes these fields of the form that the room gives its owners, and no others. */
  async configures(values: Record<string, string>): Promise<void> {
    await this.device.asks('configure', 'configured', { room: this.room, values })
  }

  /** The condition with which the room refused, or null. */
  async asks(
    command: 'role' | 'affiliate' | 'moderate' | 'destroy' | 'ping' | 'set-card' | 'command',
    args: Record<string, unknown>,
  ): Promise<unknown> {
    const { refused } = await this.device.asks(command, 'answered', { room: this.room, ...args })
    return refused
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.device[Symbol.asyncDispose]()
  }

  /** What the room tells of who is there, or was. */
  sees(nick: string, facts: Record<string, unknown>): Promise<Told> {
    return this.device.hears('occupant', { from: `${this.room}/${nick}`, ...facts })
  }
}

export const nickOf = (address: string): string => address.slice(address.indexOf('/') + 1)

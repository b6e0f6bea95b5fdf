import assert from 'node:assert/strict'
import type { Guest } from './guest.ts'
import type { Home } from './home.ts'
import { messageOf } from './meeting.ts'
import { LOOPBACK, Scene } from './scene.ts'
import { type Credentials, EXTERNAL, Stranger } from './stranger.ts'

export const HERE = 'here.example'
/** That of the attacker. */
export const EVIL = 'evil.example'
/** The body of messages that Juliet must not get. */
export const FORGED = 'forged'

export const toHere = (from: string) => ({ from, to: HERE })

/** Our own server with a user, and an attacker who has a domain and a good certificate for it, but for no other one. */
export class Siege implements AsyncDisposable {
  readonly scene: Scene
  readonly here: Home
  readonly juliet: Guest
  readonly credentials: NonNullable<Credentials>

  private constructor(scene: Scene, here: Home, juliet: Guest) {
    this.scene = scene
    this.here = here
    this.juliet = juliet
    this.credentials = scene.certify(EVIL)
  }

  static async begin(): Promise<Siege> {
    const scene = await Scene.open()
    const here = await scene.home([HERE], [LOOPBACK])
    return new Siege(scene, here, await here.guest('juliet'))
  }

  /** Connects as somebody, and comes as far as the features behind TLS. */
  async comesAs(from: string): Promise<Stranger> {
    const mallory = await Stranger.calls(this.here.ports.tcp)
    await mallory.opens(toHere(from), this.credentials)
    return mallory
  }

  /** Connects, and proves the attacker's own domain. */
  async comesAsHimself(): Promise<Stranger> {
    const mallory = await this.comesAs(EVIL)
    mallory.send(EXTERNAL)
    await mallory.hears('success')
    return mallory
  }

  forged(from: string, to = this.juliet.address): string {
    return messageOf(from, to, FORGED)
  }

  /** Juliet has heard nothing: whatever was forged would have come before this. */
  async hasFailed(): Promise<void> {
    const friend = await this.comesAsHimself()
    await friend.begins(toHere(EVIL))
    friend.send(messageOf(`a@${EVIL}`, this.juliet.address, 'the truth'))
    const heard = await this.juliet.hears('message', {})
    assert.equal(heard.attrs['from'], `a@${EVIL}`, `Juliet got ${heard}`)
    friend.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.scene[Symbol.asyncDispose]()
  }
}

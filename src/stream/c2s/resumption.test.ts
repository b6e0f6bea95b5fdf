import assert from 'node:assert/strict'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'
import { sql } from '../../storage/db.ts'

const SM = 'urn:xmpp:sm:3'

/** A client that keeps to XEP-0198: counts what it gets, sends again what the server has not handled. */
class HonestClient {
  readonly got: string[] = []
  readonly #scene: Scene
  readonly #name: string
  #device!: Device
  #id = ''
  #received = 0
  #sent = 0
  #unhandled: string[] = []

  constructor(scene: Scene, name: string) {
    this.#scene = scene
    this.#name = name
  }

  async begins(): Promise<void> {
    this.#device = await this.#scene.online(this.#name, 'phone', `<enable xmlns="${SM}" resume="true"/>`)
    this.#id = this.#device.receives(`<enabled xmlns="${SM}"/>`).attrs['id']!
    await this.#device.sends('<presence/>')
    this.#device.forget()
    this.#received = this.#sent = 1 // its presence
  }

  async says(xml: string, isLost: boolean): Promise<void> {
    this.#unhandled.push(xml)
    this.#sent++
    if (!isLost) await this.#device.sends(xml)
  }

  /** Takes in what has come, but for the last ones, which are lost with the connection. */
  hears(lost = 0): void {
    const { unread } = this.#device
    for (const element of unread.splice(0, unread.length - lost)) {
      assert.ok(element !== 'end of stream')
      if (element.ns !== SM) this.#received++
      if (element.name === 'message') this.got.push(element.elements()[0]!.text)
      if (element.name === 'a' || element.name === 'resumed') this.#forget(Number(element.attrs['h']))
    }
    unread.length = 0
  }

  acknowledges(): Promise<void> {
    return this.#device.sends(`<a xmlns="${SM}" h="${this.#received}"/><r xmlns="${SM}"/>`)
  }

  async comesBack(isBroken: boolean, lost: number): Promise<void> {
    this.hears(Math.min(lost, this.#device.unread.length))
    if (isBroken) await this.#device.breaks()
    const former = this.#device
    this.#device = this.#scene.device()
    await this.#device.proves(this.#name)
    this.#device.writes(`<resume xmlns="${SM}" previd="${this.#id}" h="${this.#received}"/>`)
    await this.#scene.settled()
    await this.#scene.later(1_000)
    former.forget()
    assert.equal((this.#device.unread[0] as { name: string }).name, 'resumed')
    this.hears()
    await this.#device.sends(...this.#unhandled)
  }

  #forget(h: number): void {
    assert.ok(h <= this.#sent, 'the server has handled what was never sent')
    this.#unhandled = this.#unhandled.slice(this.#unhandled.length - (this.#sent - h))
  }
}

for (const seed of [1, 2, 3, 4, 5]) {
  streamStory(`XEP-0198 §5: however often connections break, every message comes once and in its order (${seed})`, async scene => {
    let state = seed
    const chance = (of: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * of)
    }
    const romeo = new HonestClient(scene, 'romeo')
    const juliet = new HonestClient(scene, 'juliet')
    await romeo.begins()
    await juliet.begins()
    const all = Array.from({ length: 60 }, (_, i) => String(i))
    for (const body of all) {
      const isLost = chance(6) === 0
      await romeo.says(`<message type="chat" to="juliet@here.example"><body>${body}</body></message>`, isLost)
      if (isLost || chance(6) === 0) await romeo.comesBack(chance(2) === 0, 0)
      if (chance(6) === 0) await juliet.comesBack(chance(2) === 0, chance(3))
      romeo.hears()
      juliet.hears()
      if (chance(3) === 0) await juliet.acknowledges()
      if (chance(3) === 0) await romeo.acknowledges()
      if (chance(4) === 0) await scene.later(chance(4_000))
    }
    romeo.hears()
    juliet.hears()
    assert.deepEqual(juliet.got, all)
    await juliet.acknowledges()
    juliet.hears()
    assert.deepEqual(await scene.world.host.db.all(sql`SELECT seg FROM spool_message`), [])
    await romeo.acknowledges()
    await scene.later(300)
    romeo.hears()
    juliet.hears()
  })
}

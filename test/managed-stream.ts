/** Devices whose streams are managed (XEP-0198), for stories about that. */
import assert from 'node:assert/strict'
import { newPencils } from '../src/sasl/test-fixture.ts'
import { spooled } from './spool.ts'
import type { Device, Scene } from './stream-story.ts'

export const SM = 'urn:xmpp:sm:3'
export const ENABLE = `<enable xmlns="${SM}" resume="true"/>`
export const REQUEST = `<r xmlns="${SM}"/>`
export const ack = (h: number | string): string => `<a xmlns="${SM}" h="${h}"/>`
export const resume = (id: string, h: number): string => `<resume xmlns="${SM}" previd="${id}" h="${h}"/>`
export const say = (body: string, to = 'juliet@here.example', type = 'chat'): string =>
  `<message type="${type}" to="${to}" id="${body}"><body>${body}</body></message>`
export const BIND = '<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>phone</resource></bind></iq>'

/** A device with a stream that can be resumed; gives its identifier. */
export async function managed(
  scene: Scene,
  name: string,
  { resource = 'phone', presence = true } = {},
): Promise<{ device: Device; id: string }> {
  const device = await scene.online(name, resource, ENABLE)
  const id = device.receives(`<enabled xmlns="${SM}" id="*" resume="true" max="600"/>`).attrs['id']!
  assert.match(id, /^[\w-]{24}$/)
  if (presence) await device.sends('<presence/>')
  device.forget()
  return { device, id }
}

/** Another connection of the account, which tries to resume. */
export async function resumes(scene: Scene, name: string, id: string, h: number): Promise<Device> {
  const device = scene.device()
  await device.proves(name)
  await device.sends(resume(id, h))
  return device
}

/** What is on disk for Juliet, with the position of what has one. */
export async function kept(scene: Scene): Promise<string[]> {
  const { clientKey } = newPencils('SHA-256')[0]!
  const messages = await spooled(scene.world.host, 'juliet', clientKey)
  return messages.map(({ text, seq }) => `${text}${seq === undefined ? '' : `@${seq}`}`)
}

/** How many stanzas the server says it has handled. */
export async function handled(device: Device): Promise<string> {
  await device.sends(REQUEST)
  return device.receives(`<a xmlns="${SM}"/>`).attrs['h']!
}

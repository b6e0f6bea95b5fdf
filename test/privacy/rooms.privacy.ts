import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { endOf, periodOf } from '../../src/seal/retention.ts'
import { openShredFile, type ShredStore } from '../../src/seal/shred-store.ts'
import { xml } from '../canary/day.ts'
import { Client } from '../faults/client.ts'
import { Server } from '../faults/server.ts'
import { openRooms } from './room-forensics.ts'

const DAY = 86_400_000
const DAYS = 10
const MUC = 'http://jabber.org/protocol/muc'
/** Rooms that keep what is said: one that stays, one that is destroyed, one that keeps nothing from then on, on these days. */
const ROOMS = ['stays', 'destroyed', 'silenced'] as const
type RoomName = (typeof ROOMS)[number]
const DESTROYED = 4
const SILENCED = 5

interface Snapshot {
  readonly day: number
  /** When the server was last there, in ms. */
  readonly at: number
  readonly folder: string
  readonly shred: ShredStore
}

test('T-DUMP, T-SHRED of rooms: closed without the secrets, and when its time or the room is over to everybody', async t => {
  await using server = await Server.make()
  await server.addAccounts(['olga', 'mira'])
  const snapshots: Snapshot[] = []
  t.after(() => Promise.all(snapshots.map(({ shred }) => shred.close())))
  // The last noon: so no day ends while it runs.
  const start = Math.floor((Date.now() - DAY / 2) / DAY) * DAY + DAY / 2
  for (let day = 0; day < DAYS; day++) {
    const at = start + day * DAY
    server.skew = at - Date.now()
    await server.start()
    await live(server, day)
    await server.stop()
    snapshots.push(await copy(server, at, day))
  }

  let [opened, closed] = [0, 0]
  for (const now of snapshots) {
    for (const { folder, day } of snapshots.slice(0, now.day + 1)) {
      const found = new Set(openRooms(join(folder, 'localhost.sqlite'), now.shred).map(({ plain }) => bodyIn(plain)))
      for (const room of ROOMS)
        for (let saidOn = 0; saidOn <= day; saidOn++) {
          const isThere =
            isThereOn(room, saidOn, now.day) && now.at < endOf(7, periodOf(7, start + saidOn * DAY)) && isThereOn(room, saidOn, day)
          const body = bodyOf(room, saidOn)
          assert.equal(found.has(body), isThere, `${body}: out of the copy of day ${day}, with the secrets of day ${now.day}`)
          if (isThere) opened++
          else closed++
        }
    }
  }
  t.diagnostic(
    `${snapshots.length} copies, each with the secrets of that day and of all after it: ${opened} opened in time, ${closed} closed`,
  )

  // Members, their words and what the rooms are about: nowhere in the clear, on no day.
  for (const { folder, day } of snapshots)
    for (const file of readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isFile())) {
      const bytes = readFileSync(join(folder, file.name))
      for (const word of ['mira@localhost', 'Says in', 'the subject is', 'the description is', 'nick-of-'])
        assert.ok(!bytes.includes(word), `“${word}” stands in ${file.name} of day ${day}`)
    }
})

const bodyOf = (room: RoomName, day: number): string => `Says in ${room} on day ${day}`
const bodyIn = (plain: Buffer): string | undefined => /<body>(.*?)<\/body>/.exec(plain.toString())?.[1]

/** Whether what was said on a day could be read on another one, as far as the room goes. */
function isThereOn(room: RoomName, saidOn: number, day: number): boolean {
  if (room === 'destroyed') return saidOn < DESTROYED && day < DESTROYED
  return room !== 'silenced' || (saidOn < SILENCED && day < SILENCED)
}

/** Two people talk in all rooms that there are. */
async function live(server: Server, day: number): Promise<void> {
  const olga = await Client.online(server.login('olga'), 'home', true)
  const mira = await Client.online(server.login('mira'), 'home', true)
  for (const name of ROOMS) {
    if (name === 'destroyed' && day > DESTROYED) continue
    const room = `${name}@conference.localhost`
    await enter(olga, room, 'nick-of-olga')
    if (day === 0) {
      await owner(
        olga,
        room,
        form({ persistentroom: '1', enablearchiving: '1', membersonly: '1', publicroom: '0', roomdesc: 'the description is' }),
      )
      await ask(olga, room, `<query xmlns="${MUC}#admin"><item jid="mira@localhost" affiliation="member"/></query>`)
      olga.send(xml`<message type="groupchat" to="${room}"><subject>the subject is</subject></message>`)
    }
    if (name === 'destroyed' && day === DESTROYED) {
      await owner(olga, room, '<destroy/>')
      continue
    }
    if (name === 'silenced' && day === SILENCED) await owner(olga, room, form({ enablearchiving: '0' }))
    await enter(mira, room, 'nick-of-mira')
    await say(mira, room, bodyOf(name, day))
  }
  await olga.leave()
  await mira.leave()
}

const form = (fields: Readonly<Record<string, string>>): string => {
  const all = Object.entries(fields).map(([name, value]) => `<field var="muc#roomconfig_${name}"><value>${value}</value></field>`)
  return `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${MUC}#roomconfig</value></field>${all.join('')}</x>`
}

const owner = (client: Client, room: string, inner: string): Promise<void> =>
  ask(client, room, `<query xmlns="${MUC}#owner">${inner}</query>`)

async function ask(client: Client, room: string, payload: string): Promise<void> {
  const answer = await client.asks('set', payload, room)
  assert.equal(answer.attrs['type'], 'result', String(answer))
}

/** Done when the room has let him in. */
function enter(client: Client, room: string, nick: string): Promise<void> {
  return heard(
    client,
    xml`<presence to="${room}/${nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    'presence',
    `${room}/${nick}`,
  )
}

/** Done when all have heard it, who told it too. */
const say = (client: Client, room: string, body: string): Promise<void> =>
  heard(client, xml`<message type="groupchat" to="${room}"><body>${body}</body></message>`, 'message', `${room}/nick-of-mira`)

async function heard(client: Client, sent: string, name: string, from: string): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    client.onStanza = stanza => {
      if (stanza.name !== name || stanza.attrs['from'] !== from) return
      if (stanza.attrs['type'] === 'error') reject(new Error(String(stanza)))
      else resolve()
    }
  })
  client.send(sent)
  await done
  client.onStanza = () => {}
}

async function copy(server: Server, at: number, day: number): Promise<Snapshot> {
  const folder = join(server.folder, `day-${day}`)
  cpSync(server.data, folder, { recursive: true })
  cpSync(`${server.data}-secrets`, `${folder}-secrets`, { recursive: true })
  return { day, at, folder, shred: await openShredFile(join(`${folder}-secrets`, 'shred')) }
}

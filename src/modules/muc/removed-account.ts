/** What becomes of rooms when an account is no more: who has its name next is nobody there. */
import { then } from '../../core/host.ts'
import type { Host } from '../../core/module.ts'
import { accountRemoved } from '../../core/points.ts'
import { type Db, type Migration, sql } from '../../storage/db.ts'
import { Jid } from '../../xmpp/jid.ts'
import { type Appointment, appoint } from './affiliate.ts'
import type { Context } from './context.ts'
import { MucUser } from './namespaces.ts'
import { destroy } from './owner.ts'
import type { Room } from './room.ts'
import type { Lasting } from './rows.ts'

export const departureMigrations: readonly Migration[] = [
  ({ withoutRowid }) => `CREATE TABLE muc_departed (jid TEXT NOT NULL PRIMARY KEY) ${withoutRowid}`,
]

/** It is on disk with the removal, until it is done in all rooms: neither a crash nor a full disk leaves somebody his place. */
export function leaveRooms(context: Context, { db, domain, on, track }: Pick<Host, 'db' | 'domain' | 'on' | 'track'>): void {
  on(accountRemoved, async function leaveRooms({ account, db: inner, afterwards }) {
    const who = Jid.of(account, domain)
    await inner.run(sql`INSERT INTO muc_departed (jid) VALUES (${String(who)}) ON CONFLICT (jid) DO NOTHING`)
    afterwards(() => track(leaveAll(context, db, who)))
  })
  track(goOn(context, db))
}

/** What was not done when the server stopped. */
async function goOn(context: Context, db: Db): Promise<void> {
  try {
    for (const { jid } of await db.all<{ jid: string }>(sql`SELECT jid FROM muc_departed`)) await leaveAll(context, db, Jid.parse(jid))
  } catch (error) {
    context.failed('muc', error)
  }
}

/** Each room in its turn. */
async function leaveAll(context: Context, db: Db, who: Jid): Promise<void> {
  const { rooms } = context
  const jid = String(who)
  try {
    const concerned = new Set([...rooms.all()].filter(({ state }) => names(state, jid)).map(({ state }) => state.name))
    for (const name of await rooms.rows.names()) {
      if (concerned.has(name)) continue
      const kept = await rooms.rows.load(name)
      if (kept !== undefined && names(kept, jid)) concerned.add(name)
    }
    await Promise.all(Array.from(concerned, name => rooms.at(name).within(room => leave(context, room, who))))
    await db.run(sql`DELETE FROM muc_departed WHERE jid = ${jid}`)
  } catch (error) {
    context.failed('muc', error)
  }
}

const names = ({ creator, affiliations, hats }: Lasting, jid: string): boolean =>
  creator === jid || affiliations.get(jid) !== undefined || hats.of(jid).length > 0

function leave(context: Context, room: Room, who: Jid): void | Promise<void> {
  const jid = String(who)
  const heir = room.affiliations.isLastOwner(jid) ? heirOf(room, jid) : undefined
  if (heir === undefined && room.affiliations.isLastOwner(jid)) return destroy(context, room, MucUser('destroy'))
  const appointments: Appointment[] = heir === undefined ? [] : [{ jid: heir, affiliation: 'owner' }]
  if (room.affiliations.get(jid) !== undefined) appointments.push({ jid, affiliation: 'none' })
  const also = (state: Lasting): void => {
    state.hats.takeAll(jid)
    if (state.creator === jid) state.creator = heir ?? [...state.affiliations.having('owner')].find(owner => owner !== jid) ?? ''
  }
  return then(appoint(context, room, appointments, { jid: room.jid, nick: undefined }, { also }), tell => tell())
}

/** XEP-0045 §10: every room has an owner, or a successor: an admin, or else a member. */
function heirOf({ affiliations }: Room, jid: string): string | undefined {
  for (const affiliation of ['admin', 'member'] as const)
    for (const other of affiliations.having(affiliation)) if (other !== jid) return other
  return undefined
}

/** A room becomes another one (XEP-0045 §10.1, §10.2). */
import { then } from '../../core/host.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may } from './access.ts'
import { type Actor, type Appointment, actorIn, appoint } from './affiliate.ts'
import { isLogged, opens, type RoomConfig } from './config.ts'
import type { Submission } from './config-form.ts'
import type { Context } from './context.ts'
import type { Occupant } from './occupant.ts'
import type { StatusCode } from './presence.ts'
import type { Room } from './room.ts'
import type { Lasting } from './rows.ts'
import { noSubject } from './subject.ts'
import { announceChange, giveRole, hide, inTurn, notify, remove } from './telling.ts'

/** From now on it is as the owner wants it, and open if it was not; what it gives tells everybody. */
export function configure(
  context: Context,
  room: Room,
  { config, owners, admins }: Submission,
  from: Jid,
): (() => void | Promise<void>) | Promise<() => void | Promise<void>> {
  const before = room.config
  const wasLocked = room.isLocked
  const isOpened = opens(before, config) && room.state.subject !== undefined
  const by = actorIn(room, from)
  const appointments = appointmentsOf(room, config, owners, admins)
  mustKeepOwner(room, appointments)
  context.limits.change(String(from.bare), 1 + appointments.length)
  const also = (state: Lasting): void => {
    state.config = config
    if (isOpened) state.subject = undefined
  }
  const relock = (error: unknown): never => {
    room.isLocked = wasLocked
    throw error
  }
  room.isLocked = false
  try {
    const done = then(appoint(context, room, appointments, by, { also }), tell => () => tellAll(tell))
    return done instanceof Promise ? done.catch(relock) : done
  } catch (error) {
    return relock(error)
  }

  function tellAll(tell: () => void | Promise<void>): void | Promise<void> {
    if (before.password !== config.password) for (const visit of room.occupants.visits()) visit.knowsPassword = false
    return inTurn(
      [
        () => notify(room, codesOf(before, config)),
        () => (isOpened ? room.giveAll(noSubject(room.jid), room.jid) : undefined),
        tell,
        () => removeStrangers(room, before, by),
        () => giveVoice(room, before),
        () => showAndHide(room, before),
      ],
      step => step(),
    )
  }
}

/** §10.5, §10.8: the form names all admins and all owners, not what is to change. */
function appointmentsOf(
  { affiliations }: Room,
  { isMembersOnly }: RoomConfig,
  owners: readonly string[] | undefined,
  admins: readonly string[] | undefined,
): Appointment[] {
  const wanted = new Map<string, Appointment['affiliation']>()
  const dismiss = (affiliation: 'owner' | 'admin', to: Appointment['affiliation'] = isMembersOnly ? 'member' : 'none'): void => {
    for (const jid of affiliations.having(affiliation)) wanted.set(jid, to)
  }
  // §10.2: who is no owner any more is an admin, unless the form names all admins.
  if (owners !== undefined) dismiss('owner', admins === undefined ? 'admin' : undefined)
  if (admins !== undefined) dismiss('admin')
  for (const jid of admins ?? []) if (owners !== undefined || affiliations.get(jid)?.affiliation !== 'owner') wanted.set(jid, 'admin')
  for (const jid of owners ?? []) wanted.set(jid, 'owner')
  return [...wanted]
    .filter(([jid, affiliation]) => affiliations.get(jid)?.affiliation !== affiliation)
    .map(([jid, affiliation]) => ({ jid, affiliation }))
}

/** §10.2: a room has an owner. */
function mustKeepOwner({ affiliations }: Room, appointments: readonly Appointment[]): void {
  const changed = new Map(appointments.map(({ jid, affiliation }) => [jid, affiliation]))
  const stays = [...affiliations.having('owner')].some(jid => !changed.has(jid))
  if (!stays && !changed.values().some(affiliation => affiliation === 'owner')) throw new StanzaError('conflict', 'a room needs an owner')
}

/** §10.2.1: what concerns privacy by name, and that anything else is another way. */
function codesOf(before: RoomConfig, after: RoomConfig): StatusCode[] {
  const codes: StatusCode[] = []
  if (isLogged(before) !== isLogged(after)) codes.push(isLogged(after) ? 170 : 171)
  if (before.whois !== after.whois) codes.push(after.whois === 'anyone' ? 172 : 173)
  const rest = ({ archive: _, whois: __, ...config }: RoomConfig): string => JSON.stringify(config)
  const isKeptAsBefore = before.archive !== after.archive && isLogged(before) === isLogged(after)
  if (isKeptAsBefore || rest(before) !== rest(after)) codes.push(104)
  return codes
}

/** §10.2: when it becomes members-only, those leave who are none. */
function removeStrangers(room: Room, before: RoomConfig, { nick: actor }: Actor): void | Promise<void> {
  if (before.isMembersOnly || !room.config.isMembersOnly) return
  const strangers = [...room.occupants.all()].filter(occupant => room.affiliationOf(occupant) === 'none')
  return remove(room, strangers, { codes: [322], actor })
}

/** Where all may speak, those may who could not. */
function giveVoice(room: Room, before: RoomConfig): void | Promise<void> {
  if (!before.isModerated || room.config.isModerated) return
  const muted = [...room.occupants.all()].filter(({ role }) => role === 'visitor')
  return inTurn(muted, occupant => giveRole(room, occupant, 'participant')())
}

/** §16.5.3: whose presence is told to all from now on, and whose is not any more. */
function showAndHide(room: Room, before: RoomConfig): void | Promise<void> {
  const isShown = ({ role }: Occupant, config: RoomConfig): boolean => may('bePresent', { affiliation: 'none', role }, config)
  const others = [...room.occupants.all()].filter(occupant => isShown(occupant, before) !== isShown(occupant, room.config))
  return inTurn(others, occupant =>
    isShown(occupant, before) ? hide(room, occupant, new Set(room.occupants.all())) : announceChange(room, occupant),
  )
}

/** What owners ask and want (XEP-0045 §10). */
import { then } from '../../core/host.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import { Jid } from '../../xmpp/jid.ts'
import { must } from './access.ts'
import { configForm, readConfigForm } from './config-form.ts'
import { configure } from './configure.ts'
import type { Context, RoomRequest } from './context.ts'
import { MucOwner, MucUser } from './namespaces.ts'
import { mustBeShort } from './reason.ts'
import type { Room } from './room.ts'

export function answerOwners(context: Context): void {
  const { settings, iq } = context
  iq.get(MucOwner, 'query', ({ room, from }) => {
    must('configure', room.standingOf(from), room.config)
    return MucOwner('query', {}, configForm(room.config, room.affiliations, settings))
  })
  iq.set(MucOwner, 'query', request => {
    const { room, from, payload } = request
    const destroyed = payload.child(MucOwner, 'destroy')
    must(destroyed === undefined ? 'configure' : 'destroy', room.standingOf(from), room.config)
    if (destroyed !== undefined) return destroy(context, room, readDestroy(destroyed))
    return submitted(context, request)
  })
}

function submitted(context: Context, { room, from, payload, afterwards }: RoomRequest): void | Promise<void> {
  const { settings } = context
  const submission = readConfigForm(payload.child(Forms, 'x'), room.config, settings)
  // §10.1.3: a new room is not to be.
  if (submission === undefined) return room.isLocked ? destroy(context, room, MucUser('destroy')) : undefined
  return then(configure(context, room, submission, from), afterwards)
}

/** Where all may go instead, and why. */
function readDestroy(destroy: Element): Element {
  const { jid } = destroy.attrs
  const reason = mustBeShort(destroy.child(MucOwner, 'reason')?.text)
  const password = destroy.child(MucOwner, 'password')?.text
  if (password !== undefined && password.length > LONGEST_PASSWORD) throw new StanzaError('policy-violation', 'this password is too long')
  const inside = [
    ...(reason === undefined ? [] : [MucUser('reason', {}, reason)]),
    ...(password === undefined ? [] : [MucUser('password', {}, password)]),
  ]
  return MucUser('destroy', { jid: jid === undefined ? undefined : String(Jid.parse(jid)) }, ...inside)
}

const LONGEST_PASSWORD = 200

/** §10.9: it is no more, with all that was kept of it, and everybody in it hears so. */
export async function destroy({ rooms }: Context, room: Room, destroy: Element): Promise<void> {
  await rooms.rows.remove(room.state)
  room.empty(destroy)
  rooms.at(room.state.name).close()
}

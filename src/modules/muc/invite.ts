/** Invitations that go through the room, and what is answered to them (XEP-0045 §7.8.2). */
import { then } from '../../core/host.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { may, must } from './access.ts'
import { type Actor, actorIn, appoint } from './affiliate.ts'
import type { Context } from './context.ts'
import { type Details, decline, sendInvitation } from './invitations.ts'
import { MucUser } from './namespaces.ts'
import { roomAddressed } from './points.ts'
import { mustBeShort } from './reason.ts'
import type { Room } from './room.ts'
import { inTurn } from './telling.ts'

/** So many are invited with one message. */
const MOST = 50

export function answerInvitations(context: Context): void {
  context.hooks.on(
    roomAddressed,
    function takeInvitation({ room, stanza, from }) {
      const x = stanza.child(MucUser, 'x')
      const declined = x?.child(MucUser, 'decline')
      if (declined !== undefined) {
        context.limits.change(String(from.bare))
        mustBeShort(declined.child(MucUser, 'reason')?.text)
        decline(room, from, declined, stanza.attrs['id'])
        return 'taken'
      }
      const invites = x?.all(MucUser, 'invite') ?? []
      if (invites.length === 0) return
      return then(invite(context, room, invites, from, stanza.attrs['id']), () => 'taken' as const)
    },
    'muc',
  )
}

function invite(context: Context, room: Room, invites: readonly Element[], from: Jid, id: string | undefined): void | Promise<void> {
  const standing = room.standingOf(from)
  must('invite', standing, room.config)
  if (invites.length > MOST) throw new StanzaError('policy-violation', `no more than ${MOST} are invited at once`)
  context.limits.change(String(from.bare), invites.length)
  const all = invites.map(each => ({ to: Jid.parse(each.attrs['to'] ?? ''), details: detailsOf(each, id) }))
  // Whoever may invite may still not lift a ban; nor does he learn of one whom bans do not concern.
  const guests = all.filter(({ to }) => room.affiliations.of(to) !== 'outcast')
  if (guests.length < all.length && may('listOutcasts', standing, room.config)) throw new StanzaError('forbidden', 'this person is banned')
  const by = actorIn(room, from)
  return then(makeMembers(context, room, guests, by), tell => {
    for (const { to, details } of guests) sendInvitation(room, to, by, details)
    return tell()
  })
}

/** §9.5: whom somebody may invite to a members-only room becomes a member; of an open one, nobody does. */
function makeMembers(context: Context, room: Room, guests: readonly { readonly to: Jid }[], by: Actor): ReturnType<typeof appoint> {
  const strangers = guests.filter(({ to }) => room.config.isMembersOnly && room.affiliations.of(to) === 'none')
  const jids = [...new Set(strangers.map(({ to }) => String(to.bare)))]
  if (jids.length === 0) return () => inTurn([], () => {})
  return appoint(
    context,
    room,
    jids.map(jid => ({ jid, affiliation: 'member' })),
    by,
    { isInvited: true },
  )
}

function detailsOf(invite: Element, id: string | undefined): Details {
  return { id, reason: mustBeShort(invite.child(MucUser, 'reason')?.text), thread: invite.child(MucUser, 'continue') }
}

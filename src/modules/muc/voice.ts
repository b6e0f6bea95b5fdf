/** Requests to be heard in a moderated room, and what moderators say to them (XEP-0045 §7.13, §8.6). */
import { then } from '../../core/host.ts'
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Form, formElement } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { must } from './access.ts'
import { standingIn } from './admin.ts'
import { actorIn } from './affiliate.ts'
import type { Context } from './context.ts'
import { submittedIn } from './forms.ts'
import type { Occupant } from './occupant.ts'
import { roomAddressed } from './points.ts'
import type { Room } from './room.ts'
import { giveRole } from './telling.ts'

const REQUEST = 'http://jabber.org/protocol/muc#request'

export function answerVoiceRequests(context: Context): void {
  context.hooks.on(
    roomAddressed,
    function takeVoiceRequest({ room, stanza, from }) {
      const form = submittedIn(stanza, REQUEST)
      if (form === undefined) return
      const told = form.field('muc#request_allow') === undefined ? ask(context, room, form, from) : decide(context, room, form, from)
      return then(told, () => 'taken' as const)
    },
    'muc',
  )
}

/** §7.13: all moderators are asked. */
function ask(context: Context, room: Room, form: Form, from: Jid): void {
  must('requestVoice', room.standingOf(from), room.config)
  const { occupant } = room.occupants.visit(from)!
  if (form.text('muc#role') !== 'participant') throw new StanzaError('bad-request', 'one asks to be a participant')
  if (occupant.role !== 'visitor') return
  context.limits.change(String(from.bare))
  const message = Client('message', { id: randomId(12) }, approvalForm(occupant, from))
  for (const visit of room.occupants.visits()) if (visit.occupant.role === 'moderator') room.send(message, visit.jid)
}

const approvalForm = (occupant: Occupant, client: Jid): Element =>
  formElement(
    'form',
    REQUEST,
    [
      {
        var: 'muc#role',
        type: 'list-single',
        label: 'Requested role',
        values: ['participant'],
        options: [{ value: 'participant' }],
      },
      { var: 'muc#jid', type: 'jid-single', label: 'User ID', values: [String(client)] },
      { var: 'muc#roomnick', type: 'text-single', label: 'Room nickname', values: [occupant.nick] },
      { var: 'muc#request_allow', type: 'boolean', label: 'Grant voice to this person?', values: ['0'] },
    ],
    { title: 'Voice request', instructions: 'Somebody would like to speak in this room.' },
  )

/** §8.6: by nick, and by address: it may have become somebody else's nick meanwhile. */
function decide({ limits }: Context, room: Room, form: Form, from: Jid): void | Promise<void> {
  must('approveVoice', standingIn(room, from), room.config)
  if (form.boolean('muc#request_allow') !== true) return
  if (form.text('muc#role') !== 'participant') throw new StanzaError('bad-request', 'one asks to be a participant')
  const occupant = room.occupants.named(form.text('muc#roomnick') ?? '')
  const jid = form.jid('muc#jid')
  if (occupant === undefined || (jid !== undefined && !jid.bare.equals(occupant.bare)))
    throw new StanzaError('item-not-found', 'who has asked is not in the room any more')
  if (occupant.role !== 'visitor') return
  limits.change(String(from.bare))
  return giveRole(room, occupant, 'participant', { actor: actorIn(room, from).nick })()
}

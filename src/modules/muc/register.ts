/** Nicks that are reserved, and who becomes a member by himself (XEP-0045 §7.10, §9.9). */
import { then } from '../../core/host.ts'
import { randomId } from '../../lib/random.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Form, Forms, formElement, readForm } from '../../xmpp/forms.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { may, must } from './access.ts'
import { isFreeFor, standingIn } from './admin.ts'
import { actorIn, appoint } from './affiliate.ts'
import type { Context, RoomRequest } from './context.ts'
import { submittedIn } from './forms.ts'
import { mustBeNick } from './nick.ts'
import { occupantEntered, roomAddressed } from './points.ts'
import type { Room } from './room.ts'
import { compare, type Standing } from './standing.ts'
import { Waiting } from './waiting.ts'

const Register = namespace<'query' | 'registered' | 'username' | 'instructions' | 'remove'>('jabber:iq:register')
const REGISTER = 'http://jabber.org/protocol/muc#register'
const NICK = 'muc#register_roomnick'
const ALLOW = 'muc#register_allow'
/** XEP-0045 has no field for who it is. */
const WHO = 'muc#jid'

const waiting = new WeakMap<Room, Waiting>()

export function answerRegistrations(context: Context): void {
  const { hooks, iq } = context
  iq.get(Register, 'query', ({ room, from }) => offer(room, from))
  iq.set(Register, 'query', request => register(context, request))
  hooks.on(
    roomAddressed,
    function takeApproval({ room, stanza, from }) {
      const form = submittedIn(stanza, REGISTER)
      if (form === undefined) return
      return then(decide(context, room, form, from), () => 'taken' as const)
    },
    'muc',
  )
  hooks.on(
    occupantEntered,
    function askWhoApproves({ room, occupant }) {
      if (!isAdmin(room, occupant.bare) || waiting.get(room) === undefined) return
      // Once he has entered.
      context.act(room, () => {
        for (const [jid, nick] of waiting.get(room)?.all(context.clock.now()) ?? [])
          for (const { jid: client } of occupant.visits.values()) askOne(room, client, jid, nick)
      })
    },
    'muc',
  )
}

/** Nobody of that address waits any more. */
export function stopWaiting(room: Room, jid: string): void {
  waiting.get(room)?.delete(jid)
}

const isAdmin = (room: Room, who: Jid): boolean =>
  may('approveRegistration', { affiliation: room.affiliations.of(who), role: 'none' }, room.config)

/** §7.10: the nick that somebody has, or a form for one. */
function offer(room: Room, from: Jid): Element {
  must('register', standingIn(room, from), room.config)
  const nick = room.affiliations.nickOf(from)
  if (nick !== undefined) return Register('query', {}, Register('registered'), Register('username', {}, nick))
  const fields = [{ var: NICK, type: 'text-single' as const, label: 'The nick that shall be yours', isRequired: true, values: [] }]
  const instructions = 'In this room nobody else will have this nick.'
  return Register('query', {}, Register('instructions', {}, instructions), formElement('form', REGISTER, fields, { instructions }))
}

function register(context: Context, { room, from, payload, afterwards }: RoomRequest): void | Promise<void> {
  const standing = standingIn(room, from)
  must('register', standing, room.config)
  context.limits.change(String(from.bare))
  if (payload.child(Register, 'remove') !== undefined) return unregister(context, room, standing, from, afterwards)
  const nick = readNick(room, payload.child(Forms, 'x'))
  const jid = String(from.bare)
  if (!isFreeFor(room, nick, jid)) throw new StanzaError('conflict', 'somebody else has this nick')
  if (standing.affiliation === 'none' && !isOpen(room, standing)) return wait(context, room, from, nick, afterwards)
  const affiliation = standing.affiliation === 'none' ? 'member' : standing.affiliation
  return then(appoint(context, room, [{ jid, affiliation, nick }], actorIn(room, from)), afterwards)
}

/** A member has voice, and may enter: where that is somebody's to give, an admin is asked. */
const isOpen = ({ config }: Room, { role }: Standing): boolean =>
  !config.isMembersOnly && config.password === '' && (!config.isModerated || role === 'participant' || role === 'moderator')

function readNick(room: Room, x: Element | undefined): string {
  const form = readForm(x)
  const text = form.text(NICK) ?? ''
  if (form.type !== 'submit' || (form.formType ?? REGISTER) !== REGISTER || text === '')
    throw new StanzaError('bad-request', 'a nick is needed')
  const { resource } = room.jid.withResource(text)
  mustBeNick(resource)
  return resource
}

/** XEP-0077 §3.2: a member is none any more; an admin stays one, but his nick is free. */
function unregister(
  context: Context,
  room: Room,
  { affiliation }: Standing,
  from: Jid,
  afterwards: RoomRequest['afterwards'],
): void | Promise<void> {
  if (affiliation === 'none') throw new StanzaError('registration-required')
  const jid = String(from.bare)
  const left = affiliation === 'member' ? 'none' : affiliation
  return then(appoint(context, room, [{ jid, affiliation: left, nick: '' }], actorIn(room, from)), afterwards)
}

/** §9.9: the admins in the room are asked, and those who come later. */
function wait({ clock, service }: Context, room: Room, from: Jid, nick: string, afterwards: RoomRequest['afterwards']): void {
  const all = waiting.get(room) ?? new Waiting()
  waiting.set(room, all)
  if (!all.add(from, nick, service.isLocal(from.domain), clock.now())) return
  afterwards(() => {
    for (const visit of room.occupants.visits()) if (isAdmin(room, visit.occupant.bare)) askOne(room, visit.jid, String(from.bare), nick)
  })
}

function askOne(room: Room, admin: Jid, jid: string, nick: string): void {
  const form = formElement(
    'form',
    REGISTER,
    [
      { var: WHO, type: 'jid-single', label: 'Who it is', values: [jid] },
      { var: NICK, type: 'text-single', label: 'Desired nickname', values: [nick] },
      { var: ALLOW, type: 'boolean', label: 'Allow this person to register with the room?', values: ['0'] },
    ],
    { title: 'Registration request', instructions: 'Somebody would like to be a member of this room.' },
  )
  room.send(Client('message', { id: randomId(12) }, form), admin)
}

/** §9.9: of somebody who has asked, and as he has asked. */
function decide(context: Context, room: Room, form: Form, from: Jid): void | Promise<void> {
  must('approveRegistration', standingIn(room, from), room.config)
  const jid = String(form.jid(WHO)?.bare ?? '')
  const nick = waiting.get(room)?.nickOf(jid, context.clock.now())
  if (nick === undefined) throw new StanzaError('item-not-found', 'nobody of this address is waiting')
  waiting.get(room)?.delete(jid)
  if (form.boolean(ALLOW) !== true) return
  context.limits.change(String(from.bare))
  if (compare(room.affiliations.of(Jid.parse(jid)), 'none') !== 0) return
  const reserved = isFreeFor(room, nick, jid) ? nick : undefined
  return then(appoint(context, room, [{ jid, affiliation: 'member', nick: reserved }], actorIn(room, from)), tell => tell())
}

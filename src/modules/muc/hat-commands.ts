/** XEP-0317 §5: hats are made, given and taken by ad-hoc commands to the room. */
import { then } from '../../core/host.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, type Form, Forms, readSubmission, tableElement } from '../../xmpp/forms.ts'
import {
  type CommandOf,
  Commands,
  type ExecutionLimits,
  Executions,
  type Outcome,
  type Question,
  type Stage,
} from '../commands/commands.ts'
import { type Action, may, must } from './access.ts'
import { standingIn } from './admin.ts'
import type { Context, RoomRequest } from './context.ts'
import { type Hat, type Hats, HatsNs, hashOf, hatsElement } from './hats.ts'
import type { Room } from './room.ts'
import { announceChange, inTurn, notify } from './telling.ts'

const FORM_TYPE = 'urn:xmpp:hats:commands'
const MOST_HATS = 50
const MOST_GIVEN = 1000
const LONGEST_TITLE = 100
const LONGEST_URI = 500
const LIMITS: ExecutionLimits = { perAccount: 5, most: 50, lifetime: 15 * 60_000 }

const required = { isRequired: true } as const
const URI: Field = { var: 'hats#uri', type: 'text-single', label: 'Hat URI', values: [], ...required }
const TITLE: Field = { var: 'hats#title', type: 'text-single', label: 'Hat title', values: [], ...required }
const HUE: Field = { var: 'hats#hue', type: 'text-single', label: 'Hat hue', values: [] }
const WHO: Field = { var: 'hats#jid', type: 'jid-single', label: 'User address', values: [], ...required }

type Command = CommandOf<'room', RoomRequest> & { readonly action: Action }

/** What commands there are, and that the room has hats. */
export function answerHats(context: Context): void {
  const commands = new Map(commandsOf(context).map(command => [command.node, command]))
  const executions = new WeakMap<Room, Executions<RoomRequest>>()
  const { described, iq } = context
  iq.set(Commands, 'command', request => {
    const { room, from, payload } = request
    const command = commands.get(payload.attrs['node'] ?? '')
    if (command !== undefined) must(command.action, standingIn(room, from), room.config)
    const own = executions.get(room) ?? new Executions<RoomRequest>(commands, LIMITS, context.clock)
    executions.set(room, own)
    return own.execute(request)
  })
  described.roomFeatures.push(() => [HatsNs.uri, Commands.uri])
  described.fields.push(({ state }) =>
    state.hats.size === 0 ? [] : [{ var: 'hats#hash', type: 'text-single', values: [hashOf(state.hats)] }],
  )
  const allowed = ({ room, from }: RoomRequest): Command[] =>
    [...commands.values()].filter(({ action }) => may(action, standingIn(room, from), room.config))
  described.nodes.push({
    info(node, request) {
      if (node === Commands.uri) return { identities: [{ category: 'automation', type: 'command-list' }], features: [], forms: [] }
      const command = commands.get(node)
      if (command === undefined) return undefined
      if (!allowed(request).includes(command)) throw new StanzaError('forbidden')
      const identity = { category: 'automation', type: 'command-node', name: command.name }
      return { identities: [identity], features: [Commands.uri, Forms.uri], forms: [] }
    },
    items(node, request) {
      if (node !== Commands.uri) return commands.has(node) ? [] : undefined
      return allowed(request).map(({ node, name }) => ({ jid: String(request.room.jid), node, name }))
    },
  })
}

function commandsOf(context: Context): Command[] {
  const command = (name: string, action: Action, title: string, run: Command['run']): Command => ({
    who: 'room',
    node: `${FORM_TYPE}:${name}`,
    name: title,
    action,
    run,
  })
  return [
    command('create', 'changeHats', 'Create or change a hat', request =>
      asked(request, () => question('Creating a hat', [TITLE, URI, HUE], (form, each) => create(context, each, form))),
    ),
    command('destroy', 'changeHats', 'Destroy a hat', request =>
      asked(request, ({ hats }) => question('Destroying a hat', [oneOf(hats)], (form, each) => destroy(context, each, form))),
    ),
    command('list', 'listHats', 'List hats', ({ room }) => listed(room.state.hats)),
    command('assign', 'changeHats', 'Give somebody a hat', request =>
      asked(request, ({ hats }) => question('Assigning a hat', [WHO, oneOf(hats)], (form, each) => assign(context, each, form))),
    ),
    command('unassign', 'changeHats', 'Take a hat from somebody', request =>
      asked(request, ({ hats }) => question('Removing a hat', [WHO, oneOf(hats)], (form, each) => unassign(context, each, form))),
    ),
    command('list-assigned', 'changeHats', 'List who has which hat', ({ room }) => listedWorn(room.state.hats)),
  ]
}

const question = (
  title: string,
  fields: readonly Field[],
  answer: (form: Form, request: RoomRequest) => Outcome | Promise<Outcome>,
): Question<RoomRequest> => ({ title, formType: FORM_TYPE, fields, answer })

const oneOf = (hats: Hats): Field => ({
  ...URI,
  type: 'list-single',
  label: 'The hat',
  options: [...hats.all()].map(({ uri, title }) => ({ value: uri, label: title })),
})

/** §5.3, §5.6: who knows what is asked for may say it at once. */
function asked(
  request: RoomRequest,
  ask: (state: Room['state']) => Question<RoomRequest>,
): Stage<RoomRequest> | Promise<Stage<RoomRequest>> {
  const question = ask(request.room.state)
  const x = request.payload.child(Forms, 'x')
  if (x?.attrs['type'] !== 'submit') return question
  return question.answer(readSubmission(x, FORM_TYPE, question.fields), request)
}

function create(context: Context, request: RoomRequest, form: Form): Outcome | Promise<Outcome> {
  const hat = readHat(form)
  const { hats } = request.room.state
  if (hats.find(hat.uri) === undefined && hats.size >= MOST_HATS) throw new StanzaError('resource-constraint', 'there are too many hats')
  return change(context, request, true, () => {
    hats.set(hat)
    return hats.wearersOf(hat.uri)
  })
}

function readHat(form: Form): Hat {
  const uri = form.text('hats#uri')!
  const title = form.text('hats#title')!
  const hue = form.text('hats#hue') || undefined
  if (uri.length > LONGEST_URI || !URL.canParse(uri)) throw new StanzaError('not-acceptable', 'this is no URI')
  if (title.length > LONGEST_TITLE) throw new StanzaError('not-acceptable', 'this title is too long')
  if (hue !== undefined && !(/^\d{1,3}(?:\.\d{1,12})?$/.test(hue) && Number(hue) <= 360))
    throw new StanzaError('not-acceptable', 'this is no hue')
  return { uri, title, hue }
}

function destroy(context: Context, request: RoomRequest, form: Form): Outcome | Promise<Outcome> {
  const { hats } = request.room.state
  const { uri } = find(hats, form)
  return change(context, request, true, () => hats.remove(uri))
}

function assign(context: Context, request: RoomRequest, form: Form): Outcome | Promise<Outcome> {
  const { hats } = request.room.state
  const { uri } = find(hats, form)
  const bare = String(form.jid('hats#jid')!.bare)
  if (hats.given >= MOST_GIVEN) throw new StanzaError('resource-constraint', 'too many hats are worn')
  return change(context, request, false, () => {
    hats.give(bare, uri)
    return [bare]
  })
}

function unassign(context: Context, request: RoomRequest, form: Form): Outcome | Promise<Outcome> {
  const { hats } = request.room.state
  const { uri } = find(hats, form)
  const bare = String(form.jid('hats#jid')!.bare)
  return change(context, request, false, () => {
    hats.take(bare, uri)
    return [bare]
  })
}

function find(hats: Hats, form: Form): Hat {
  const hat = hats.find(form.text('hats#uri')!)
  if (hat === undefined) throw new StanzaError('item-not-found', 'there is no such hat')
  return hat
}

/** Those whose hats are others are shown with them; `isOfList`: all learn that there are other hats now (§5.2). */
function change(context: Context, request: RoomRequest, isOfList: boolean, work: () => readonly string[]): Outcome | Promise<Outcome> {
  const { room, from, afterwards } = request
  context.limits.change(String(from.bare))
  let wearers: readonly string[] = []
  const written = context.rooms.change(room, () => {
    wearers = work()
  })
  return then(written, () => {
    afterwards(() =>
      then(
        inTurn(wearers, bare => show(room, bare)),
        () => (isOfList ? notify(room, [104]) : undefined),
      ),
    )
    return {}
  })
}

const show = (room: Room, bare: string): void | Promise<void> =>
  inTurn([...room.occupants.of(bare)], occupant => {
    occupant.hats = hatsElement(room.state.hats.of(bare))
    return announceChange(room, occupant)
  })

const row = ({ uri, title, hue }: Hat): Record<string, readonly string[]> => ({
  'hats#uri': [uri],
  'hats#title': [title],
  'hats#hue': hue === undefined ? [] : [hue],
})

const listed = (hats: Hats): Outcome => ({
  payload: [tableElement([{ var: 'hats#title' }, { var: 'hats#uri' }, { var: 'hats#hue' }], [...hats.all()].map(row))],
})

function listedWorn(hats: Hats): Outcome {
  const columns = [{ var: 'hats#jid' }, { var: 'hats#uri' }, { var: 'hats#title' }, { var: 'hats#hue' }]
  const rows = [...hats.worn()].flatMap(([bare]) => hats.of(bare).map(hat => ({ 'hats#jid': [bare], ...row(hat) })))
  return { payload: [tableElement(columns, rows)] }
}

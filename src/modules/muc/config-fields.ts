/** The fields of the form in which a room is configured (XEP-0045 §16.5.3), and what their values mean. */
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, type FieldType, type Form, type Option, readBoolean } from '../../xmpp/forms.ts'
import { ALLOW_PM, type RoomConfig, WHO_IS } from './config.ts'
import { ROLES } from './standing.ts'

const LONGEST_TEXT = 1000
/** A day: the longest time that somebody may have to wait before he speaks again. */
const LONGEST_WAIT = 86_400
const SIZES = [10, 20, 50, 100, 200, 500, 1000, 2000]

/** The most that a room may have. */
export interface RoomLimits {
  readonly occupants: number
  readonly history: number
}

/** How a kind of value stands in a form. `read` throws a StanzaError. */
interface Codec<Value> {
  readonly type: FieldType
  options?(value: Value, limits: RoomLimits): readonly string[]
  read(values: readonly string[], name: string, limits: RoomLimits): Value
  write(value: Value): readonly string[]
}

interface ConfigField<Key extends keyof RoomConfig = keyof RoomConfig> {
  readonly key: Key
  readonly name: string
  readonly label: string
  readonly codec: Codec<RoomConfig[Key]>
  /** What else a client may call it. */
  readonly aliases: readonly string[]
  readonly more: Partial<Field>
}

export const unfit = (name: string): StanzaError => new StanzaError('not-acceptable', `the value of ${name} is not valid`)

const text: Codec<string> = {
  type: 'text-single',
  read(values, name) {
    const value = values.join('\n')
    if (value.length > LONGEST_TEXT) throw unfit(name)
    return value
  },
  write: value => (value === '' ? [] : [value]),
}

const flag: Codec<boolean> = {
  type: 'boolean',
  read(values, name) {
    const value = readBoolean(values[0] ?? '')
    if (value === undefined) throw unfit(name)
    return value
  },
  write: value => [value ? '1' : '0'],
}

const choice = <const Value extends string>(choices: readonly Value[]): Codec<Value> => ({
  type: 'list-single',
  options: () => choices,
  read(values, name) {
    const value = choices.find(each => each === values[0])
    if (value === undefined) throw unfit(name)
    return value
  },
  write: value => [value],
})

const roles: Codec<RoomConfig['presenceBroadcast']> = {
  type: 'list-multi',
  options: () => ROLES,
  read(values, name) {
    // COMPAT: of getmemberlist some servers have affiliations, too, and clients that send them.
    if (values.some(each => each !== '' && !/^(?:moderator|participant|visitor|owner|admin|member|none)$/.test(each))) throw unfit(name)
    return ROLES.filter(role => values.includes(role))
  },
  write: value => value,
}

/** A whole number; more than there may be is as much as there may be. */
const number = (most: (limits: RoomLimits) => number): Codec<number> => ({
  type: 'text-single',
  read([value = ''], name, limits) {
    if (!/^\d{1,15}$/.test(value)) throw unfit(name)
    return Math.min(Number(value), most(limits))
  },
  write: value => [String(value)],
})

const maxUsers: Codec<RoomConfig['maxUsers']> = {
  type: 'list-single',
  options: (value, { occupants }) => {
    const sizes = SIZES.filter(each => each < occupants)
    if (value !== 'none' && !sizes.includes(value)) sizes.push(value)
    return [...sizes.toSorted((a, b) => a - b).map(String), 'none']
  },
  read([value = ''], name, { occupants }) {
    if (value === '' || value === 'none') return 'none'
    if (!/^\d{1,15}$/.test(value) || Number(value) === 0) throw unfit(name)
    return Number(value) >= occupants ? 'none' : Number(value)
  },
  write: value => [String(value)],
}

function field<Key extends keyof RoomConfig>(
  key: Key,
  name: string,
  codec: Codec<RoomConfig[Key]>,
  label: string,
  { aliases = [], ...more }: Partial<Field> & { readonly aliases?: readonly string[] } = {},
): ConfigField {
  return { key, name, codec, label, aliases, more } as ConfigField<Key> as unknown as ConfigField
}

const PREFIX = 'muc#roomconfig_'

/** All but the password and the lists of people. */
export const CONFIG_FIELDS: readonly ConfigField[] = [
  field('name', `${PREFIX}roomname`, text, 'A name for people'),
  field('description', `${PREFIX}roomdesc`, text, 'What it is about'),
  field('language', `${PREFIX}lang`, text, 'The language, as a tag such as en'),
  field('pubsub', `${PREFIX}pubsub`, text, 'The XMPP URI of a node that belongs to the room'),
  field('isPersistent', `${PREFIX}persistentroom`, flag, 'It stays when the last one has left'),
  field('isPublic', `${PREFIX}publicroom`, flag, 'It can be found'),
  field('isMembersOnly', `${PREFIX}membersonly`, flag, 'Members alone may enter'),
  field('isModerated', `${PREFIX}moderatedroom`, flag, 'Only who has voice may speak'),
  field('whois', `${PREFIX}whois`, choice(WHO_IS), 'Who may see real addresses'),
  // COMPAT: `mam` (ejabberd) and the field of XEP-0045 for logs mean the same here: an archive for whoever may enter.
  field('archive', `${PREFIX}enablearchiving`, flag, 'Messages are archived', { aliases: ['mam', `${PREFIX}enablelogging`] }),
  field('changeSubject', `${PREFIX}changesubject`, flag, 'Participants may change the subject'),
  field('allowInvites', `${PREFIX}allowinvites`, flag, 'Members may invite others'),
  field('allowPm', `${PREFIX}allowpm`, choice(ALLOW_PM), 'Who may send private messages'),
  field('maxUsers', `${PREFIX}maxusers`, maxUsers, 'How many may be in it at a time; none: as many as the server allows'),
  field('presenceBroadcast', `${PREFIX}presencebroadcast`, roles, 'Whose presence is shown to all'),
  field('getMemberList', `${PREFIX}getmemberlist`, roles, 'Who may have the list of members, beside admins'),
  field(
    'maxHistory',
    'muc#maxhistoryfetch',
    number(({ history }) => history),
    'How many messages those see who enter',
  ),
  field(
    'slowMode',
    `${PREFIX}slow_mode_duration`,
    number(() => LONGEST_WAIT),
    'Seconds between two messages of one person; 0: it is off',
    { least: 0 },
  ),
  // XEP-0433 has no field for it: its own name (XEP-0068 §3.3).
  field('isSearchable', '{urn:xmpp:channel-search:0}searchable', flag, 'It is found by those who search for channels, if it can be found'),
]

/** As it stands in a form. */
export function formField({ key, name, label, codec, more }: ConfigField, config: RoomConfig, limits: RoomLimits): Field {
  const options = codec.options?.(config[key], limits).map((value): Option => ({ value }))
  return { var: name, type: codec.type, label, values: codec.write(config[key]), ...(options !== undefined && { options }), ...more }
}

/** What a submission says of a field; undefined for nothing. */
export function valueIn(form: Form, { name, aliases, codec }: ConfigField, limits: RoomLimits): unknown {
  const said = [name, ...aliases].find(each => form.values(each) !== undefined)
  return said === undefined ? undefined : codec.read(form.values(said)!, said, limits)
}

/** The fields of the forms in which nodes are configured and described (XEP-0060 §16.4.3, §16.4.4), and what their values mean. */
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, type FieldType, type Option, readBoolean } from '../../xmpp/forms.ts'
import { Jid } from '../../xmpp/jid.ts'
import {
  ACCESS_MODELS,
  NOTIFICATION_TYPES,
  type NodeConfig,
  PUBLISH_MODELS,
  REPLY_TO,
  WHEN_FULL,
  WHEN_TO_SEND_LAST,
} from './node-config.ts'

/** The most that a node of a place may have. */
export interface NodeLimits {
  readonly items: number
  readonly payload: number
}

export type PlaceKind = 'account' | 'service'

const LONGEST_TEXT = 1000
const MOST_VALUES = 50

/** How a kind of value stands in a form. `read` throws a StanzaError. */
interface Codec<Value> {
  readonly type: FieldType
  readonly options?: readonly string[]
  read(values: readonly string[], name: string, limits: NodeLimits): Value
  write(value: Value): readonly string[]
}

export interface ConfigField<Key extends keyof NodeConfig = keyof NodeConfig> {
  readonly key: Key
  readonly name: string
  readonly label: string
  readonly codec: Codec<NodeConfig[Key]>
  /** It means something only where presence is known. */
  readonly isOfAccounts: boolean
}

const unfit = (name: string): StanzaError => new StanzaError('not-acceptable', `the value of ${name} is not valid`)

const short = (value: string, name: string): string => {
  if (value.length > LONGEST_TEXT) throw unfit(name)
  return value
}

const text: Codec<string> = {
  type: 'text-single',
  read: (values, name) => short(values.join('\n'), name),
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

function choice<const Value extends string>(choices: readonly Value[]): Codec<Value> {
  return {
    type: 'list-single',
    options: choices,
    read(values, name) {
      const found = choices.find(each => each === values[0])
      if (found === undefined) throw unfit(name)
      return found
    },
    write: value => [value],
  }
}

/** §12.20: a whole number, or `max`. None at all is `max` too, and so is more than the server allows, which clients cannot know. */
function numberOrMax(most: (limits: NodeLimits) => number): Codec<number | 'max'> {
  return {
    type: 'text-single',
    read([value = ''], name, limits) {
      if (value === '' || value === 'max') return 'max'
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
      if (!(number >= 1)) throw unfit(name)
      return number > most(limits) ? 'max' : number
    },
    write: value => [String(value)],
  }
}

const several = (values: readonly string[], name: string): readonly string[] => {
  const given = [...new Set(values.filter(value => value !== ''))]
  if (given.length > MOST_VALUES) throw unfit(name)
  return given.map(value => short(value, name))
}

const addresses: Codec<readonly string[]> = {
  type: 'jid-multi',
  read: (values, name) => several(values, name).map(value => String(Jid.parse(value))),
  write: values => values,
}

/** The groups of a roster may change meanwhile, so any may be named. */
const groups: Codec<readonly string[]> = { type: 'text-multi', read: several, write: values => values }

const field =
  (isOfAccounts: boolean) =>
  <Key extends keyof NodeConfig>(key: Key, name: string, codec: Codec<NodeConfig[Key]>, label: string): ConfigField => {
    return { key, name: `pubsub#${name}`, codec, label, isOfAccounts } as ConfigField<Key> as unknown as ConfigField
  }
const everywhere = field(false)
const ofAccounts = field(true)

export const CONFIG_FIELDS: readonly ConfigField[] = [
  everywhere('title', 'title', text, 'A name for people'),
  everywhere('description', 'description', text, 'What it is about'),
  everywhere('language', 'language', text, 'The language, as a tag such as en'),
  everywhere('contact', 'contact', addresses, 'Whom to ask'),
  everywhere('type', 'type', text, 'The meaning of what is published, usually its namespace'),
  everywhere('dataformXslt', 'dataform_xslt', text, 'The URL of an XSL transformation from what is published to a form'),
  everywhere('accessModel', 'access_model', choice(ACCESS_MODELS), 'Who may subscribe and read'),
  ofAccounts('rosterGroups', 'roster_groups_allowed', groups, 'The groups of the roster that may, if it is by roster'),
  everywhere('publishModel', 'publish_model', choice(PUBLISH_MODELS), 'Who may publish'),
  everywhere('subscribe', 'subscribe', flag, 'Others may subscribe'),
  everywhere('persistItems', 'persist_items', flag, 'Items are kept'),
  everywhere(
    'maxItems',
    'max_items',
    numberOrMax(({ items }) => items),
    'How many are kept at most; max: as many as the server allows',
  ),
  everywhere(
    'itemExpire',
    'item_expire',
    numberOrMax(() => LONGEST_EXPIRY),
    'Seconds after which an item is removed; max: never',
  ),
  everywhere(
    'maxPayloadSize',
    'max_payload_size',
    numberOrMax(({ payload }) => payload),
    'Bytes that a payload may have; max: as many as the server allows',
  ),
  everywhere('whenFull', 'publish_node_full', choice(WHEN_FULL), 'What becomes of the oldest item, or of the new one, when all are there'),
  everywhere('sendLast', 'send_last_published_item', choice(WHEN_TO_SEND_LAST), 'When the last item is sent'),
  everywhere('deliverNotifications', 'deliver_notifications', flag, 'Subscribers are notified'),
  everywhere('deliverPayloads', 'deliver_payloads', flag, 'Notifications have the payload in them'),
  everywhere('notificationType', 'notification_type', choice(NOTIFICATION_TYPES), 'The type of message that notifications are'),
  everywhere('notifyConfig', 'notify_config', flag, 'Subscribers are told when the node is configured'),
  everywhere('notifyDelete', 'notify_delete', flag, 'Subscribers are told when the node is deleted'),
  everywhere('notifyRetract', 'notify_retract', flag, 'Subscribers are told when items are removed'),
  everywhere('notifySub', 'notify_sub', flag, 'Owners are told who subscribes and unsubscribes'),
  everywhere('itemReply', 'itemreply', choice(REPLY_TO), 'Who is named with an item'),
  ofAccounts('presenceBased', 'presence_based_delivery', flag, 'Only who is available is notified'),
  ofAccounts('tempsub', 'tempsub', flag, 'Subscriptions end when the subscriber becomes unavailable'),
  ofAccounts('purgeOffline', 'purge_offline', flag, 'Items are removed when the client that published them goes offline'),
]

/** A century. */
const LONGEST_EXPIRY = 3_155_760_000

/** What can be chosen: a service knows nobody's presence or roster. */
export function choicesOf({ key, codec }: ConfigField, kind: PlaceKind): readonly string[] | undefined {
  if (key !== 'accessModel' || kind === 'account') return codec.options
  return codec.options?.filter(model => model !== 'presence' && model !== 'roster')
}

export const fieldsFor = (kind: PlaceKind): readonly ConfigField[] =>
  kind === 'account' ? CONFIG_FIELDS : CONFIG_FIELDS.filter(each => !each.isOfAccounts)

/** The values that a field has with that configuration. */
export const valuesOf = (each: ConfigField, config: NodeConfig): readonly string[] => each.codec.write(config[each.key])

/** As it stands in a form. */
export function formField(each: ConfigField, config: NodeConfig, kind: PlaceKind): Field {
  const { name, label, codec } = each
  const options = choicesOf(each, kind)?.map((value): Option => ({ value }))
  return { var: name, type: codec.type, label, values: valuesOf(each, config), ...(options !== undefined && { options }) }
}

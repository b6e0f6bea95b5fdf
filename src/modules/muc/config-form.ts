/** The configuration of a room as a form: offered and submitted (XEP-0045 §10.1.3, §10.2). */
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, type Form, formElement, readForm } from '../../xmpp/forms.ts'
import type { Affiliations } from './affiliations.ts'
import type { RoomConfig } from './config.ts'
import { CONFIG_FIELDS, formField, type RoomLimits, unfit, valueIn } from './config-fields.ts'

const ROOM_CONFIG = 'http://jabber.org/protocol/muc#roomconfig'
const PROTECTED = 'muc#roomconfig_passwordprotectedroom'
const PASSWORD = 'muc#roomconfig_roomsecret'
const ADMINS = 'muc#roomconfig_roomadmins'
const OWNERS = 'muc#roomconfig_roomowners'

const LONGEST_PASSWORD = 200
/** So many people are named in a form at most. */
const MOST_PEOPLE = 1000

/** What an owner wants the room to be. */
export interface Submission {
  readonly config: RoomConfig
  /** Bare addresses: all that there shall be; undefined where it stays. */
  readonly owners: readonly string[] | undefined
  readonly admins: readonly string[] | undefined
}

/** With the present configuration in it. */
export function configForm(config: RoomConfig, affiliations: Affiliations, limits: RoomLimits): Element {
  const people = (name: string, affiliation: 'owner' | 'admin', label: string): Field => ({
    var: name,
    type: 'jid-multi',
    label,
    values: [...affiliations.having(affiliation)],
  })
  return formElement('form', ROOM_CONFIG, [
    ...CONFIG_FIELDS.map(each => formField(each, config, limits)),
    { var: PROTECTED, type: 'boolean', label: 'A password is needed to enter', values: [config.password === '' ? '0' : '1'] },
    { var: PASSWORD, type: 'text-private', label: 'The password', values: config.password === '' ? [] : [config.password] },
    people(ADMINS, 'admin', 'All admins'),
    people(OWNERS, 'owner', 'All owners'),
  ])
}

/**
 * What is to be after a form was submitted: fields that are not in it stay, those that are not known are passed over. Undefined for one that was
 * cancelled. Throws bad-request for what is no such form, not-acceptable for what cannot be (§10.1.3).
 */
export function readConfigForm(x: Element | undefined, before: RoomConfig, limits: RoomLimits): Submission | undefined {
  const form = readForm(x)
  if (form.type === 'cancel') return undefined
  if (form.type !== 'submit') throw new StanzaError('bad-request', 'the form is not submitted')
  if (form.formType !== undefined && form.formType !== ROOM_CONFIG) throw new StanzaError('bad-request', 'the form is another one')
  const changes: Partial<Record<keyof RoomConfig, unknown>> = {}
  for (const each of CONFIG_FIELDS) {
    const value = valueIn(form, each, limits)
    if (value !== undefined) changes[each.key] = value
  }
  const config: RoomConfig = { ...before, ...(changes as Partial<RoomConfig>), password: passwordIn(form, before) }
  return { config, owners: peopleIn(form, OWNERS), admins: peopleIn(form, ADMINS) }
}

/** One field says whether there is a password, another which. */
function passwordIn(form: Form, before: RoomConfig): string {
  const password = form.text(PASSWORD) ?? before.password
  if (password.length > LONGEST_PASSWORD) throw unfit(PASSWORD)
  const isProtected = form.boolean(PROTECTED) ?? password !== ''
  if (isProtected && password === '') throw new StanzaError('not-acceptable', 'a password is needed')
  return isProtected ? password : ''
}

function peopleIn(form: Form, name: string): readonly string[] | undefined {
  const jids = form.jids(name)
  if (jids !== undefined && jids.length > MOST_PEOPLE) throw unfit(name)
  return jids && [...new Set(jids.map(jid => String(jid.bare)))]
}

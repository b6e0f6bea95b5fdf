// XEP-0504: Data Policy

import { type Arrangements, defineModule, xep } from '../core/module.ts'
import { duration, list, oneOf, optional, read } from '../lib/settings.ts'
import { type Field, formElement } from '../xmpp/forms.ts'
import { retention } from './retention/retention.ts'

const FORM_TYPE = 'urn:xmpp:data-policy:0'
const HOUR = 3_600_000

/** §3.9. `none` is not among them: the operator sees what is not sealed, and could change the program. */
const PARTIES = ['admins', 'moderators', 'organization_member', 'government', 'advertisers', 'partners'] as const

export const dataPolicy = defineModule({
  name: 'data-policy',
  about: 'Clients can show what becomes of their users’ data: how long it is kept, how it is locked, who else can read what is not.',
  xeps: [xep(504, '0.1.0')],
  needs: { retention },
  settings: {
    access: list(
      oneOf(PARTIES, 'Someone who can have access.'),
      ['admins'],
      'Who can have access to what is not sealed. Add government where a law could make you give it out.',
    ),
    terms: optional(
      read(
        uri => (URL.canParse(uri) ? uri : undefined),
        'a URI such as "https://example.org/terms"',
        'Where the terms of service can be read.',
      ),
    ),
    backupEvery: optional(duration('24h', 'How often you make a backup of the data folder; if you make none, leave it out.')),
    backupKept: optional(duration('7d', 'How long you keep a backup.')),
  },

  setup({ arrangements, discovery, needs, settings }) {
    const { usual, possible } = needs.retention
    const { access, terms, backupEvery = 0, backupKept } = settings
    const hours = (ms: number): string => String(Math.ceil(ms / HOUR))

    discovery.host.forms.push(() =>
      formElement('result', FORM_TYPE, [
        choice('auth_data', arrangements.showsPasswords ? 'plain' : 'hidden'),
        text('data_retention', hours(usual.longest)),
        flag('data_deletion', true),
        flag('encryption_at_rest', true),
        flag('data_export', false),
        flag('full_erasure', true),
        { var: 'access_policy', type: 'list-multi', values: access },
        text('backup_frequency', hours(backupEvery)),
        text('backup_retention', backupEvery === 0 ? '0' : backupKept === undefined ? 'unknown' : hours(backupKept)),
        ...(terms === undefined ? [] : [text('tos', terms)]),
        { var: 'extra_info', type: 'text-multi', values: explain(arrangements, usual.label, possible.length > 1) },
      ]),
    )
  },
})

/** What the fields have no words for. */
function explain({ secrets }: Arrangements, kept: string, isChosen: boolean): string[] {
  const choice = isChosen ? ' Each user can choose otherwise.' : ''
  return [
    `How long messages are kept: ${kept}.${choice}`,
    'Stored messages are locked with a key that only your login opens. After their time nobody can read them.',
    secrets === 'memory'
      ? 'The secrets that lock them live in memory alone: if the server loses its power, all stored messages are lost.'
      : 'The secrets that lock them are on a disk of the server until they are destroyed, and in no backup.',
    'Not locked are your contacts, your block list, your vCard and your avatar, and how many messages you got on a day.',
    'While you are connected, a server in the wrong hands could see what passes: use end-to-end encryption, which it cannot open.',
  ]
}

const text = (name: string, value: string): Field => ({ var: name, type: 'text-single', values: [value] })
const choice = (name: string, value: string): Field => ({ var: name, type: 'list-single', values: [value] })
const flag = (name: string, value: boolean): Field => ({ var: name, type: 'boolean', values: [String(value)] })

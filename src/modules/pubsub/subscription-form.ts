/** Subscription options as a form (XEP-0060 §6.3, §16.4.2). Digests and bodies are not offered. */
import type { Element } from '../../xml/element.ts'
import { readDateTime, writeDateTime } from '../../xmpp/date-time.ts'
import { type Field, type Form, formElement, readForm } from '../../xmpp/forms.ts'
import type { PlaceKind } from './config-fields.ts'
import { SUBSCRIBE_OPTIONS } from './namespaces.ts'
import { refusal } from './refusal.ts'
import { SHOW_VALUES, type ShowValue, type SubscriptionOptions } from './subscription.ts'

export function optionsForm(
  { deliver, expire, showValues }: SubscriptionOptions,
  kind: PlaceKind,
  type: 'form' | 'result' = 'form',
): Element {
  const ends = typeof expire === 'number' ? writeDateTime(expire) : expire
  const fields: Field[] = [
    { var: 'pubsub#deliver', type: 'boolean', label: 'Send notifications', values: [deliver ? '1' : '0'] },
    { var: 'pubsub#expire', type: 'text-single', label: 'When the subscription ends', values: ends === undefined ? [] : [ends] },
  ]
  const shown: Field = {
    var: 'pubsub#show-values',
    type: 'list-multi',
    label: 'Notify only while this is shown',
    values: showValues,
    options: SHOW_VALUES.map(value => ({ value })),
  }
  // Only an account knows who is available.
  return formElement(type, SUBSCRIBE_OPTIONS, kind === 'account' ? [...fields, shown] : fields)
}

/** Fields that are not there stay as they are. Throws bad-request with invalid-options (§6.3.6.2). */
export function readOptionsForm(x: Element | undefined, before: SubscriptionOptions, kind: PlaceKind, now: number): SubscriptionOptions {
  const form = readForm(x)
  if (form.type === 'cancel') return before
  if (form.type !== 'submit' || (form.formType !== undefined && form.formType !== SUBSCRIBE_OPTIONS)) throw invalid()
  return {
    deliver: readFlag(form, 'pubsub#deliver') ?? before.deliver,
    expire: form.values('pubsub#expire') === undefined ? before.expire : readEnd(form.text('pubsub#expire') ?? '', kind, now),
    showValues: kind === 'account' ? (readShown(form) ?? before.showValues) : before.showValues,
  }
}

function readFlag(form: Form, name: string): boolean | undefined {
  try {
    return form.boolean(name)
  } catch {
    throw invalid()
  }
}

/** §12.18: a moment to come; §12.4: when the subscriber becomes unavailable. */
function readEnd(text: string, kind: PlaceKind, now: number): SubscriptionOptions['expire'] {
  if (text === '') return undefined
  if (text === 'presence' && kind === 'account') return 'presence'
  const at = readDateTime(text)
  if (at === undefined || at <= now) throw invalid()
  return at
}

function readShown(form: Form): readonly ShowValue[] | undefined {
  const values = form.values('pubsub#show-values')
  if (values === undefined) return undefined
  const shown = SHOW_VALUES.filter(value => values.includes(value))
  if (shown.length < new Set(values).size) throw invalid()
  return shown
}

const invalid = (): Error => refusal('bad-request', 'invalid-options')

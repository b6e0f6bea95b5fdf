// XEP-0157: Contact Addresses for XMPP Services

import { defineModule, xep } from '../core/module.ts'
import { list, read } from '../lib/settings.ts'
import { type Field, formElement } from '../xmpp/forms.ts'

const FORM_TYPE = 'http://jabber.org/network/serverinfo'

const addresses = (text: string) =>
  list(
    read(uri => (URL.canParse(uri) ? uri : undefined), 'a URI such as "mailto:abuse@example.org" or "xmpp:admin@example.org"', text),
    [],
    text,
  )

export const contact = defineModule({
  name: 'contact',
  about: 'Tells how the people behind the server can be reached.',
  xeps: [xep(157, '1.1.1')],
  settings: {
    abuse: addresses('Where abuse can be reported.'),
    admin: addresses('Where the administrators can be reached.'),
    feedback: addresses('Where users can say what they think.'),
    sales: addresses('Where one can ask about buying.'),
    security: addresses('Where security problems can be reported.'),
    status: addresses('Where the status of the service can be seen.'),
    support: addresses('Where users get help.'),
  },

  setup({ discovery, settings }) {
    const fields: Field[] = Object.entries(settings)
      .filter(([, values]) => values.length > 0)
      .map(([role, values]) => ({ var: `${role}-addresses`, type: 'list-multi', values }))
    if (fields.length > 0) discovery.host.forms.push(() => formElement('result', FORM_TYPE, fields))
  },
})

import type { Element } from '../../xml/element.ts'
import { type Form, Forms, readForm } from '../../xmpp/forms.ts'

/** What was submitted with a message, of that FORM_TYPE; undefined where nothing was. */
export function submittedIn(stanza: Element, formType: string): Form | undefined {
  const x = stanza.child(Forms, 'x')
  if (x?.attrs['type'] !== 'submit') return undefined
  const form = readForm(x)
  return form.formType === formType ? form : undefined
}

/** Node configuration as a form: offered, submitted, and as the preconditions of a publication. */
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, type Form, formElement, readForm } from '../../xmpp/forms.ts'
import { choicesOf, fieldsFor, formField, type NodeLimits, type PlaceKind, valuesOf } from './config-fields.ts'
import { NODE_CONFIG, PUBLISH_OPTIONS } from './namespaces.ts'
import type { NodeConfig } from './node-config.ts'
import { refusal } from './refusal.ts'

const NODE_TYPE: Field = {
  var: 'pubsub#node_type',
  type: 'list-single',
  label: 'The type of node',
  values: ['leaf'],
  options: [{ value: 'leaf' }],
}

/** XEP-0060 §8.2.2: with the present configuration in it. */
export function configForm(config: NodeConfig, kind: PlaceKind, type: 'form' | 'result' = 'form'): Element {
  const fields = fieldsFor(kind).map(each => formField(each, config, kind))
  return formElement(type, NODE_CONFIG, [NODE_TYPE, ...fields])
}

/**
 * The configuration after a form was submitted: fields that are not in it stay (XEP-0004 §3.5), those that are not known are passed
 * over. Undefined for one that was cancelled (§8.2.4). Throws bad-request for what is no such form, else not-acceptable.
 */
export function readConfigForm(x: Element | undefined, before: NodeConfig, kind: PlaceKind, limits: NodeLimits): NodeConfig | undefined {
  const form = readForm(x)
  if (form.type === 'cancel') return undefined
  mustBe(form, NODE_CONFIG)
  const [nodeType = 'leaf'] = form.values('pubsub#node_type') ?? []
  if (nodeType !== 'leaf') throw new StanzaError('not-acceptable', 'there are no other nodes than leaves')
  return apply(form, before, kind, limits)
}

/** Throws a StanzaError for a value that is not valid. */
function apply(form: Form, before: NodeConfig, kind: PlaceKind, limits: NodeLimits): NodeConfig {
  const changes: Partial<Record<keyof NodeConfig, unknown>> = {}
  for (const each of fieldsFor(kind)) {
    const values = form.values(each.name)
    if (values === undefined) continue
    // §8.1.2: of access models it is said which error tells that there is no such one.
    if (each.key === 'accessModel' && !choicesOf(each, kind)!.includes(values[0] ?? ''))
      throw refusal('not-acceptable', 'unsupported-access-model')
    changes[each.key] = each.codec.read(values, each.name, limits)
  }
  return { ...before, ...(changes as Partial<NodeConfig>) }
}

/** What a publication asks of its node (XEP-0060 §7.1.5). */
export interface Preconditions {
  /** The configuration of a node that it creates. */
  applyTo(usual: NodeConfig): NodeConfig
  /** Throws conflict where a node is otherwise. */
  check(config: NodeConfig): void
}

/** Throws bad-request for what is no such form; §7.1.5: a field that is not known refuses the publication. */
export function readPreconditions(x: Element | undefined, kind: PlaceKind, limits: NodeLimits): Preconditions {
  const form = readForm(x)
  mustBe(form, PUBLISH_OPTIONS)
  const known = new Set(fieldsFor(kind).map(({ name }) => name))
  const isUnknown = ({ var: name }: Field): boolean => name !== undefined && name !== 'FORM_TYPE' && !known.has(name)
  if (form.fields.some(isUnknown)) throw notMet('this option is not known')
  return {
    applyTo: usual => apply(form, usual, kind, limits),
    check(config) {
      const wanted = apply(form, config, kind, limits)
      const unmet = fieldsFor(kind).find(each => String(inForce(each, wanted)) !== String(inForce(each, config)))
      if (unmet !== undefined) throw notMet(`${unmet.name} is another one`)
    },
  }

  /** As many as the server allows are the same, whether they are said as a number or not. */
  function inForce(each: ReturnType<typeof fieldsFor>[number], config: NodeConfig): readonly string[] {
    const values = valuesOf(each, config)
    if (values[0] !== 'max') return each.key === 'rosterGroups' || each.key === 'contact' ? values.toSorted() : values
    if (each.key === 'maxItems') return [String(limits.items)]
    return each.key === 'maxPayloadSize' ? [String(limits.payload)] : values
  }
}

const notMet = (text: string): StanzaError => refusal('conflict', 'precondition-not-met', text)

/** XEP-0068: a form without a FORM_TYPE is taken for the one that belongs here. */
function mustBe(form: Form, formType: string): void {
  if (form.type !== 'submit') throw new StanzaError('bad-request', 'the form is not submitted')
  if (form.formType !== undefined && form.formType !== formType) throw new StanzaError('bad-request', 'the form is another one')
}

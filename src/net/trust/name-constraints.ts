/** RFC 5280 §4.2.1.10: for which names an authority may speak. */

import { asciiDomain } from '../domain-name.ts'
import { type Der, DerError, DerReader, OID, readOid, readUtf8, SEQUENCE, SET, UTF8_STRING } from './der.ts'
import { type GeneralName, type GeneralNames, readGeneralName } from './general-names.ts'

/** Of each form that stands in `permitted` only those names are good, and none in `excluded`. */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

const MOST_SUBTREES = 256
const DNS_BASE = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*)?$/i
const PRINTABLE_STRING = 0x13
const TELETEX_STRING = 0x14
const IA5_STRING = 0x16
const BMP_STRING = 0x1e

/** Throws a `DerError`. */
export function readNameConstraints(value: Buffer): NameConstraints {
  const whole = new DerReader(value)
  const body = whole.enter(SEQUENCE)
  whole.end()
  const permitted = readSubtrees(body.optional(0xa0))
  const excluded = readSubtrees(body.optional(0xa1))
  body.end()
  if (permitted.length + excluded.length === 0) throw new DerError('no constraints')
  return { permitted, excluded }
}

/** Whether a certificate with this subject and these names may stand below. May throw a `DerError`, which is a no. */
export function allows({ permitted, excluded }: NameConstraints, subject: Buffer, names: GeneralNames): boolean {
  const may = <T>(form: string, name: T, isWithin: (name: T, base: GeneralName) => boolean, touches = isWithin): boolean => {
    const bases = permitted.filter(base => base.form === form)
    return (
      (bases.length === 0 || bases.some(base => isWithin(name, base))) && !excluded.some(base => base.form === form && touches(name, base))
    )
  }
  const isConstrained = (form: string): boolean => [...permitted, ...excluded].some(base => base.form === form)
  // §6.1.3 (b): forms that we do not read must not appear where they are constrained.
  if ([...names.otherForms].some(isConstrained)) return false
  if (names.srvNames.length > 0 && isConstrained('SRVName')) return false
  if (names.xmppAddresses.length > 0 && isConstrained('XmppAddr')) return false
  return (
    domainsOf(names, isConstrained('dNSName')).every(name => name !== undefined && may('dNSName', name, isBelow, mayBeBelow)) &&
    names.ipAddresses.every(address => may('iPAddress', address, isInNetwork)) &&
    [subject, ...names.directoryNames].every(name => isEmpty(name) || may('directoryName', name, isInDirectory))
  )
}

// The domain of an SRVName or a JID counts as a DNS name: who may speak for some domains only must not get around it by
// another form of name. `undefined` is for a name that has no domain.
function domainsOf({ dnsNames, srvNames, xmppAddresses }: GeneralNames, isConstrained: boolean): (string | undefined)[] {
  if (!isConstrained) return []
  return [
    ...dnsNames.map(name => name.toLowerCase()),
    ...srvNames.map(name => /^_[^.]+\.(.+)$/.exec(name)?.[1]?.toLowerCase()),
    ...xmppAddresses.map(address => asciiDomain(address.replace(/\/.*$/s, '').replace(/^[^@]*@/, ''))),
  ]
}

function readSubtrees(tagged: Der | undefined): GeneralName[] {
  const list = new DerReader(tagged?.body ?? Buffer.alloc(0))
  const subtrees: GeneralName[] = []
  while (!list.isDone) {
    const subtree = list.enter(SEQUENCE)
    const base = readGeneralName(subtree.next())
    // The minimum is always 0, which DER leaves out, and there is no maximum.
    subtree.end()
    if (!isGood(base) || subtrees.push(base) > MOST_SUBTREES) throw new DerError('subtrees that are no good, or too many')
  }
  return subtrees
}

function isGood({ form, text, octets }: GeneralName): boolean {
  if (form === 'dNSName') return DNS_BASE.test(text)
  if (form === 'iPAddress') return octets.length === 8 || octets.length === 32
  return true
}

function isBelow(name: string, { text }: GeneralName): boolean {
  const base = text.toLowerCase()
  return base === '' || name === base || name.endsWith(`.${base}`)
}

/** A wildcard also stands for each name right under it. */
function mayBeBelow(name: string, base: GeneralName): boolean {
  return isBelow(name, base) || (name.startsWith('*.') && base.text.toLowerCase().replace(/^[^.]*/, '*') === name)
}

function isInNetwork(address: Buffer, { octets }: GeneralName): boolean {
  const { length } = address
  return octets.length === length * 2 && address.every((octet, i) => ((octet ^ octets[i]!) & octets[length + i]!) === 0)
}

function isEmpty(name: Buffer): boolean {
  return name.length === 2
}

function isInDirectory(name: Buffer, { octets }: GeneralName): boolean {
  const rdns = comparable(name)
  return comparable(octets).every((rdn, i) => rdn === rdns[i])
}

// §7.1: attributes are compared without regard to letter case, to the kind of string, and to how many spaces there are.
function comparable(name: Buffer): string[] {
  const list = new DerReader(name).enter(SEQUENCE)
  const rdns: string[] = []
  while (!list.isDone) {
    const set = list.enter(SET)
    const attributes: string[] = []
    while (!set.isDone) {
      const attribute = set.enter(SEQUENCE)
      attributes.push(JSON.stringify([readOid(attribute.next(OID)), textOf(attribute.next())]))
    }
    rdns.push(attributes.sort().join())
  }
  return rdns
}

function textOf({ tag, body, raw }: Der): string {
  const text = decoded(tag, body)
  return text === undefined ? raw.toString('hex') : text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')
}

function decoded(tag: number, body: Buffer): string | undefined {
  if (tag === UTF8_STRING) return readUtf8(body)
  if (tag === PRINTABLE_STRING || tag === IA5_STRING || tag === TELETEX_STRING) return body.toString('latin1')
  return tag === BMP_STRING && body.length % 2 === 0 ? Buffer.from(body).swap16().toString('utf16le') : undefined
}

/** RFC 5280 §4.2.1.6: the names in a certificate, and the two other names of XMPP. */
import { type Der, DerError, DerReader, OID, readOid, readUtf8, SEQUENCE, UTF8_STRING } from './der.ts'

/** All names of a certificate, by their form. IA5 strings are read as Latin-1, so that what is no ASCII stays visible. */
export interface GeneralNames {
  readonly dnsNames: readonly string[]
  /** RFC 4985: `_service.domain`. */
  readonly srvNames: readonly string[]
  /** RFC 6120 §13.7.1.4: JIDs. */
  readonly xmppAddresses: readonly string[]
  /** 4 or 16 octets. */
  readonly ipAddresses: readonly Buffer[]
  /** DER of Name. */
  readonly directoryNames: readonly Buffer[]
  /** The forms of the names that we do not read, such as `rfc822Name`, each once. */
  readonly otherForms: ReadonlySet<string>
}

export const NO_NAMES: GeneralNames = {
  dnsNames: [],
  srvNames: [],
  xmppAddresses: [],
  ipAddresses: [],
  directoryNames: [],
  otherForms: new Set(),
}

/** One name. The form is a word, or the object identifier of an other name that we do not know. */
export interface GeneralName {
  readonly form: string
  readonly text: string
  readonly octets: Buffer
}

/** A certificate has more names than we look at. */
export class TooManyNames extends Error {}

// Public authorities stop at 100 to 250 names, and a multi-tenant server needs one for its own. Whoever has more gets no
// answer rather than one about the first thousand.
const MOST_NAMES = 1_000

const OTHER_NAME = 0xa0
const DNS_NAME = 0x82
const DIRECTORY_NAME = 0xa4
const IP_ADDRESS = 0x87
const OTHER_FORMS: Readonly<Record<number, string>> = {
  129: 'rfc822Name',
  163: 'x400Address',
  165: 'ediPartyName',
  134: 'uniformResourceIdentifier',
  136: 'registeredID',
}
const IA5_STRING = 0x16
const SRV_NAME = '1.3.6.1.5.5.7.8.7'
const XMPP_ADDRESS = '1.3.6.1.5.5.7.8.5'

/** Throws a `DerError` or `TooManyNames`. */
export function readGeneralNames(value: Buffer): GeneralNames {
  const whole = new DerReader(value)
  const list = whole.enter(SEQUENCE)
  whole.end()
  const dnsNames: string[] = []
  const srvNames: string[] = []
  const xmppAddresses: string[] = []
  const ipAddresses: Buffer[] = []
  const directoryNames: Buffer[] = []
  const otherForms = new Set<string>()
  for (let count = 0; !list.isDone; count++) {
    if (count === MOST_NAMES) throw new TooManyNames()
    const { form, text, octets } = readGeneralName(list.next())
    if (form === 'dNSName') dnsNames.push(text)
    else if (form === 'SRVName') srvNames.push(text)
    else if (form === 'XmppAddr') xmppAddresses.push(text)
    else if (form === 'directoryName') directoryNames.push(octets)
    else if (form !== 'iPAddress') otherForms.add(form)
    else if (octets.length === 4 || octets.length === 16) ipAddresses.push(octets)
    else throw new DerError('no IP address')
  }
  return { dnsNames, srvNames, xmppAddresses, ipAddresses, directoryNames, otherForms }
}

/** Throws a `DerError`. */
export function readGeneralName({ tag, body }: Der): GeneralName {
  if (tag === OTHER_NAME) return readOtherName(body)
  if (tag === DNS_NAME) return { form: 'dNSName', text: body.toString('latin1'), octets: body }
  if (tag === IP_ADDRESS) return { form: 'iPAddress', text: '', octets: body }
  if (tag === DIRECTORY_NAME) {
    const name = new DerReader(body)
    const { raw } = name.next(SEQUENCE)
    name.end()
    return { form: 'directoryName', text: '', octets: raw }
  }
  const form = OTHER_FORMS[tag]
  if (form === undefined) throw new DerError('no general name')
  return { form, text: '', octets: body }
}

function readOtherName(body: Buffer): GeneralName {
  const other = new DerReader(body)
  const id = readOid(other.next(OID))
  const { body: tagged } = other.next(0xa0)
  other.end()
  if (id !== SRV_NAME && id !== XMPP_ADDRESS) return { form: id, text: '', octets: tagged }
  const value = new DerReader(tagged)
  const { body: octets } = value.next(id === SRV_NAME ? IA5_STRING : UTF8_STRING)
  value.end()
  return id === SRV_NAME
    ? { form: 'SRVName', text: octets.toString('latin1'), octets }
    : { form: 'XmppAddr', text: readUtf8(octets), octets }
}

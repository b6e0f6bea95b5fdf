import { Jid } from '../xmpp/jid.ts'

/** An address of the wire; undefined for what is none. */
export function readAddress(text: string | undefined): Jid | undefined {
  try {
    return text === undefined ? undefined : Jid.parse(text)
  } catch {
    return undefined
  }
}

/** A domain in the form that addresses have; undefined for what is none. */
export function readDomain(text: string | undefined): string | undefined {
  const jid = readAddress(text)
  return jid !== undefined && jid.local === '' && jid.resource === '' ? jid.domain : undefined
}

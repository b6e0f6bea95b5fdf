import { type Element, namespace } from '../xml/element.ts'

/** Message Processing Hints (XEP-0334). */
export const Hints = namespace<'no-copy' | 'no-store' | 'no-permanent-store' | 'store'>('urn:xmpp:hints')

/** To be given to nobody but whom it is addressed to. */
export const isNoCopy = (message: Element): boolean => hints(message, 'no-copy')

/** To be kept nowhere, not even for those who are away. */
export const isNoStore = (message: Element): boolean => hints(message, 'no-store')

/** To be kept in no archive; whoever is away may still get it later. */
export const isNoPermanentStore = (message: Element): boolean => hints(message, 'no-permanent-store') || isNoStore(message)

/** To be kept although it does not look like it. What forbids keeping has precedence. */
export const isStore = (message: Element): boolean => hints(message, 'store') && !isNoPermanentStore(message)

/** An error repeats the hints of what it answers; they do not speak of the error (§4). */
function hints(message: Element, name: 'no-copy' | 'no-store' | 'no-permanent-store' | 'store'): boolean {
  return message.attrs['type'] !== 'error' && message.child(Hints, name) !== undefined
}

import type { Element } from '../xml/element.ts'

/** What our own headers say. */
const OURS = 'en'

/** The language that a header gives to stanzas which name none (RFC 6120 §4.7.4), if it is another one than ours. */
export function languageOf({ attrs: { 'xml:lang': language = OURS } }: Element): string | undefined {
  return /^[a-z0-9-]{2,35}$/i.test(language) && language.toLowerCase() !== OURS ? language : undefined
}

/** RFC 6120 §8.1.5: on another stream the stanza would be taken for one in that stream's language. */
export function inLanguage(stanza: Element, language: string | undefined): Element {
  return language === undefined || stanza.attrs['xml:lang'] !== undefined ? stanza : stanza.with({ 'xml:lang': language })
}

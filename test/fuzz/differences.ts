/** Where our parser and saxes may judge a document differently, and why. Everything else is a fault. */
export type Who = 'only we refuse' | 'only saxes refuses' | 'both accept'

export interface Difference {
  readonly what: string
  readonly who: readonly Who[]
  readonly covers: (xml: string, condition: string) => boolean
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'RFC 6120 §11.1 restricts comments, processing instructions and document types',
    who: ['only we refuse'],
    covers: (xml, condition) => condition === 'restricted-xml' && /<!-|<!D|<\?/.test(xml),
  },
  {
    what: 'RFC 6120 §11.6 has UTF-8 only',
    who: ['only we refuse'],
    covers: (xml, condition) => condition === 'unsupported-encoding' && /encoding/.test(xml),
  },
  {
    what: 'saxes cuts white space off namespace names; Namespaces in XML §2.3 compares them character by character',
    who: ['both accept', 'only saxes refuses', 'only we refuse'],
    covers: xml => /xmlns(?::[^\s=]+)?\s*=\s*(?:'[^']*(?:\s|&#)|"[^"]*(?:\s|&#))/.test(xml),
  },
  {
    what: 'elements with the prefix xml: there are none, and ours could not be written again',
    who: ['only we refuse'],
    covers: (xml, condition) => condition === 'bad-namespace-prefix' && /<xml:/.test(xml),
  },
  {
    what: 'saxes lets a local part begin with what only may stand inside a name (Namespaces in XML §4)',
    who: ['only we refuse'],
    covers: (xml, condition) => condition === 'not-well-formed' && /:(?:[-.\d\xB7\u203F\u2040]|[\u0300-\u036F])/.test(xml),
  },
  {
    what: 'saxes knows versions other than 1.0 of XML',
    who: ['only we refuse'],
    covers: (xml, condition) => condition === 'not-well-formed' && /version\s*=\s*["']1\.(?!0["'])/.test(xml),
  },
  {
    what: 'RFC 6120 §11.6: U+FEFF is a character wherever it stands, and none may stand before the root',
    who: ['only we refuse'],
    covers: (xml, condition) => condition === 'not-well-formed' && xml.startsWith('\uFEFF'),
  },
]

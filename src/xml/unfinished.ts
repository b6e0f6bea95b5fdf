import { isSpace } from './content.ts'

/**
 * A token whose end has not come. What comes next is only looked through for that end, so that bytes which
 * arrive one by one are looked at once each.
 */
export interface Unfinished {
  readonly kind: 'text' | 'start-tag' | 'other-tag' | 'cdata'
  /** In a start tag: the quote that is open; and whether the last thing before was `=`, as it must be before a quote. */
  quote: string
  isAfterEquals: boolean
  /** The last characters of a CDATA section. */
  tail: string
}

/** How the token that begins at `from` must go on; nothing where it is too short to tell. */
export function unfinished(xml: string, from: number): Unfinished | undefined {
  const kind = kindOf(xml, from)
  if (kind === undefined) return undefined
  const token: Unfinished = { kind, quote: '', isAfterEquals: false, tail: xml.slice(-2) }
  if (kind === 'start-tag') scanTag(token, xml, from + 1)
  return token
}

function kindOf(xml: string, from: number): Unfinished['kind'] | undefined {
  if (xml[from] !== '<') return 'text'
  if (xml[from + 1] === '!') return xml.length - from > '<![CDATA[]'.length ? 'cdata' : undefined
  if (xml[from + 1] === '/') return 'other-tag'
  if (xml[from + 1] === '?') return xml.length - from > '<?xml '.length ? 'other-tag' : undefined
  return xml.length - from > 1 ? 'start-tag' : undefined
}

/** Whether `chunk` ends the token, or must be looked at with it because it is wrong. */
export function endOfToken(token: Unfinished, chunk: string): boolean {
  switch (token.kind) {
    case 'text':
      return chunk.includes('<')
    case 'other-tag':
      return chunk.includes('>') || chunk.includes('<')
    case 'start-tag':
      return scanTag(token, chunk, 0)
    case 'cdata': {
      const seen = token.tail + chunk
      token.tail = seen.slice(-2)
      return seen.includes(']]>')
    }
  }
}

function scanTag(token: Unfinished, xml: string, from: number): boolean {
  for (let at = from; at < xml.length; at++) {
    const character = xml[at]!
    if (character === '<') return true
    if (token.quote !== '') {
      if (character === token.quote) token.quote = ''
      continue
    }
    if (character === '>') return true
    if (character === '"' || character === "'") {
      if (!token.isAfterEquals) return true
      token.quote = character
    }
    if (!isSpace(character.charCodeAt(0))) token.isAfterEquals = character === '='
  }
  return false
}

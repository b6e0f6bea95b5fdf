import { SaxesParser, type SaxesTagNS } from 'saxes'
import { Attributes, type Child, Element } from '../../src/xml/element.ts'
import { parseElement, StreamParser, XmlError } from '../../src/xml/parser.ts'
import { DIFFERENCES } from './differences.ts'
import { type Random, random } from './random.ts'
import { source } from './xml-source.ts'

const LIMITS = { bytes: 1e5, elements: 1000, depth: 50, attributes: 50 }

/** What a parser says of a document: its canonical form, or why not. */
export type Verdict = { readonly accepted: string } | { readonly refused: string }

/** Looks at `count` documents that follow from `seed`. Throws at the first difference that is not on the list; gives how often each on it was used. */
export function fuzz(seed: number, count: number): Map<string, number> {
  const used = new Map<string, number>()
  for (let run = 0; run < count; run++) {
    const dice = random(seed + run)
    const bytes = source(dice)
    const ours = verdict(() => parseElement(bytes, LIMITS))
    const cut = verdict(() => parseInPieces(bytes, dice))
    if (!isSame(ours, cut) && !('refused' in ours && 'refused' in cut && cut.refused === UNENDED))
      throw new Error(`seed ${seed + run}: cut in pieces it differs: ${show(bytes, ours, cut)}`)
    const theirs = verdict(() => parseWithSaxes(bytes))
    const how = compare(bytes, ours, theirs)
    if (how === undefined) throw new Error(`seed ${seed + run}: a difference not on the list: ${show(bytes, ours, theirs)}`)
    used.set(how, (used.get(how) ?? 0) + 1)
    if ('accepted' in ours && canonical(parseElement(parseElement(bytes).toString())) !== ours.accepted) {
      throw new Error(`seed ${seed + run}: changed by being written and read: ${show(bytes, ours, theirs)}`)
    }
  }
  return used
}

function compare(bytes: Uint8Array, ours: Verdict, theirs: Verdict): string | undefined {
  const condition = 'refused' in ours ? ours.refused : ''
  if ('refused' in theirs && condition !== '') return 'both refuse'
  if ('accepted' in ours && 'accepted' in theirs && ours.accepted === theirs.accepted) return 'both accept the same'
  const who = condition !== '' ? 'only we refuse' : 'refused' in theirs ? 'only saxes refuses' : 'both accept'
  const xml = Buffer.from(bytes).toString()
  return DIFFERENCES.find(difference => difference.who.includes(who) && difference.covers(xml, condition))?.what
}

function verdict(parse: () => Element): Verdict {
  try {
    return { accepted: canonical(parse()) }
  } catch (error) {
    if (error instanceof XmlError) return { refused: error.condition }
    if (error instanceof Refused) return { refused: error.message }
    throw error
  }
}

const isSame = (one: Verdict, other: Verdict): boolean => JSON.stringify(one) === JSON.stringify(other)
const show = (bytes: Uint8Array, ...verdicts: Verdict[]): string =>
  JSON.stringify([Buffer.from(bytes).toString(), Buffer.from(bytes).toString('hex'), ...verdicts], null, 1)

function canonical(node: Child): string {
  if (typeof node === 'string') return JSON.stringify(node)
  const attrs = Object.entries(node.attrs).sort(([one], [other]) => (one < other ? -1 : 1))
  return `${JSON.stringify([node.ns, node.name, attrs])}(${node.children.map(canonical).join()})`
}

function parseInPieces(bytes: Uint8Array, dice: Random): Element {
  let found: Element | undefined
  const parser = new StreamParser({ onOpen() {}, onElement: element => (found = element), onClose() {} }, LIMITS, 0)
  const longest = dice.pick([1, 2, 5, 40])
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + dice.below(longest)
    // A copy each, overwritten after use: the parser must not look at it later.
    const piece = Uint8Array.from(bytes.subarray(at, next))
    parser.write(piece)
    piece.fill(0x3c)
    at = next
  }
  if (found === undefined || !parser.isIdle) throw new Refused(UNENDED)
  return found
}

class Refused extends Error {}

/** A stream waits for more where a document is known to be wrong. */
const UNENDED = 'no end'

function parseWithSaxes(bytes: Uint8Array): Element {
  let xml: string
  try {
    xml = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Refused('not UTF-8')
  }
  let root: Element | undefined
  const open: { tag: SaxesTagNS; children: Child[] }[] = []
  const parser = new SaxesParser({ xmlns: true, position: false })
  const addText = (text: string): void => {
    const children = open.at(-1)?.children
    if (children === undefined || text === '') return
    const before = children.at(-1)
    if (typeof before === 'string') children[children.length - 1] = before + text
    else children.push(text)
  }
  parser.on('error', error => {
    throw new Refused(error.message)
  })
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('opentag', tag => {
    open.push({ tag, children: [] })
  })
  parser.on('closetag', () => {
    const { tag, children } = open.pop()!
    const attrs: Record<string, string> = new Attributes()
    for (const { prefix, local, uri, value } of Object.values(tag.attributes)) {
      if (prefix === 'xmlns' || (prefix === '' && local === 'xmlns')) continue
      attrs[prefix === '' ? local : prefix === 'xml' ? `xml:${local}` : `{${uri}}${local}`] = value
    }
    const element = new Element(tag.uri, tag.local, attrs, children)
    const parent = open.at(-1)
    if (parent === undefined) root = element
    else parent.children.push(element)
  })
  parser.write(xml).close()
  if (root === undefined) throw new Refused('no root')
  return root
}

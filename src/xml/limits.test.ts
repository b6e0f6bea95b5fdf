import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Element } from './element.ts'
import { MOST_PREFIXES, type XmlLimits } from './limits.ts'
import { parseElement, StreamParser } from './parser.ts'

const WIDE: XmlLimits = { bytes: 1e7, elements: 1e6, depth: 1e5, attributes: 1e5, nameLength: 1e6 }
const TOO_MUCH = { condition: 'policy-violation' }

const many = (count: number, make: (index: number) => string): string => Array.from({ length: count }, (_, index) => make(index)).join('')
const sink = (): { onOpen(): void; onElement(element: Element): void; onClose(): void } => ({ onOpen() {}, onElement() {}, onClose() {} })

test('each limit admits what reaches it and refuses one more', () => {
  const cases: [Partial<XmlLimits>, string, string][] = [
    [{ bytes: 7 }, '<a></a>', '<a>x</a>'],
    [{ bytes: 9 }, '<a>ä</a>', '<a>€</a>'],
    [{ elements: 3 }, '<a><b/><b/></a>', '<a><b/><b/><b/></a>'],
    [{ depth: 2 }, '<a><b/><b/></a>', '<a><b><c/></b></a>'],
    [{ attributes: 2 }, "<a b='' c=''/>", "<a b='' c='' xmlns='d'/>"],
    [{ nameLength: 3 }, "<abc def=''/>", "<abc defg=''/>"],
    [{ nameLength: 5 }, "<abc xmlns:defgh='u'/>", "<abc xmlns:defghi='u'/>"],
    [{ nameLength: 3 }, '<abc/>', '<abcd/>'],
    [
      {},
      `<a ${many(MOST_PREFIXES, index => ` xmlns:p${index}='u'`)}/>`,
      `<a xmlns:p='u'><b ${many(MOST_PREFIXES, index => ` xmlns:p${index}='u'`)}/></a>`,
    ],
  ]
  for (const [limits, admitted, refused] of cases) {
    parseElement(admitted, { ...WIDE, ...limits })
    assert.throws(() => parseElement(refused, { ...WIDE, ...limits }), TOO_MUCH, refused)
  }
})

test('what is received once does not become much more when it is sent on', () => {
  const limits = { bytes: 262_144, elements: 4096, depth: 64, attributes: 64 }
  const long = 'u'.repeat(10_000)
  const shapes = [
    `<a xmlns:p='${long}'>${'<p:b/>'.repeat(1000)}</a>`,
    `<a xmlns='${long}' xmlns:p='u'>${'<p:b><b/></p:b>'.repeat(1000)}</a>`,
    `<a xmlns:p='${long}' ${many(30, index => ` p:b${index}=''`)}/>`,
    `<a xmlns:p='${long}'>${many(60, index => `<b${index} p:c=''/>`)}</a>`,
  ]
  for (const shape of shapes) assert.throws(() => parseElement(shape, limits), TOO_MUCH, shape.slice(-60))
  const usual = `<a xmlns:p='urn:example:p'>${'<p:b p:c=""/>'.repeat(1000)}</a>`
  assert.ok(String(parseElement(usual, limits)).length < 262_144)
})

test('what was admitted is admitted again as we write it', () => {
  const limits = { bytes: 262_144, elements: 4096, depth: 64, attributes: 64 }
  const attributes = (from: number): string => many(MOST_PREFIXES / 2, index => ` p:b${from + index}=''`)
  const most = `<a xmlns:p='u'${attributes(0)}><b${attributes(100)}/><c${attributes(100)}/></a>`
  assert.equal(String(parseElement(String(parseElement(most, limits)))), String(parseElement(most, limits)))
  const more = `<a xmlns:p='u'${attributes(0)}><b${attributes(100)}><c p:d=''/></b></a>`
  assert.throws(() => parseElement(more, limits), TOO_MUCH)
})

test('limits count per child of the root, the header apart', () => {
  const parser = new StreamParser(sink(), { bytes: 20, elements: 2, depth: 2, attributes: 1 })
  parser.write(Buffer.from(`<stream a='12345'>${'<a><b/></a> '.repeat(100)}`))
  for (const byte of Buffer.from('<a><b></b>1234567\n</a>'.slice(0, 20))) parser.write(Buffer.of(byte))
  assert.throws(() => parser.write(Buffer.from('12')), TOO_MUCH)
})

test('new limits count from when they are set', () => {
  const parser = new StreamParser(sink(), { bytes: 30, elements: 1, depth: 1, attributes: 1 })
  parser.write(Buffer.from('<stream>'))
  parser.limits = WIDE
  parser.write(Buffer.from(`<a><b/>${'x'.repeat(1000)}</a>`))
})

const ENDLESS: Record<string, string> = {
  'a tag': `<a b='`,
  'a name': '<a',
  text: '<a>',
  'a CDATA section': '<a><![CDATA[',
  'an end tag': '<a></a ',
}

test('what does not end is refused when it passes the limit, also byte by byte', () => {
  for (const [what, beginning] of Object.entries(ENDLESS)) {
    for (const size of [1, 100]) {
      const parser = new StreamParser(sink(), { bytes: 1000, elements: 10, depth: 10, attributes: 10 })
      parser.write(Buffer.from(`<stream>${beginning}`))
      const more = Buffer.alloc(size, what === 'an end tag' ? ' ' : 'x')
      let sent = beginning.length
      assert.throws(() => {
        for (; sent < 5000; sent += size) parser.write(more)
      }, TOO_MUCH, what) // biome-ignore format: short
      assert.ok(sent <= 1100, what)
    }
  }
})

test('a white-space keepalive may come for ever, a flood of it may not', () => {
  const parser = new StreamParser(sink(), { bytes: 100, elements: 1, depth: 1, attributes: 1 })
  parser.write(Buffer.from('<stream>'))
  for (let count = 0; count < 1000; count++) parser.write(Buffer.from(' '))
  assert.throws(() => parser.write(Buffer.alloc(101, ' ')), TOO_MUCH)
})

const SHAPES: Record<string, (count: number) => string> = {
  'tiny elements': count => `<a>${'<b/>'.repeat(count)}</a>`,
  'tiny elements with text': count => `<a>${'<b>x</b>'.repeat(count)}</a>`,
  'nested elements': count => '<b>'.repeat(count / 2) + '</b>'.repeat(count / 2),
  attributes: count => `<a ${many(count / 8, index => ` b${index}=''`)}/>`,
  'elements with attributes': count => `<a>${"<b c=''/>".repeat(count / 2)}</a>`,
  'elements with attributes of many names': count => `<a>${many(count / 2, index => `<b c${index}='' d${index}=''/>`)}</a>`,
  namespaces: count => `<a>${many(count / 4, index => `<b xmlns='u${index}'/>`)}</a>`,
  prefixes: count => `<a>${many(count / 4, index => `<p:b xmlns:p='u${index}' p:c=''/>`)}</a>`,
  'CDATA sections': count => `<a>${'<![CDATA[x]]>'.repeat(count / 2)}</a>`,
  references: count => `<a>${'&lt;'.repeat(count)}</a>`,
  'a long value': count => `<a b='${'&#9;x'.repeat(count)}'/>`,
  'a long name': count => `<a ${'n'.repeat(count)}=''/>`,
  text: count => `<a>${'ü'.repeat(count)}</a>`,
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('no shape of XML takes more than 40 bytes of memory for one of input', () => {
  for (const [what, shape] of Object.entries(SHAPES)) {
    const bytes = Buffer.from(shape(40_000))
    for (const cut of [bytes.length, 4096]) {
      const kept: Element[] = []
      const parser = new StreamParser({ ...sink(), onElement: element => kept.push(element) }, WIDE)
      parser.write(Buffer.from('<stream>'))
      collect()
      const before = process.memoryUsage().heapUsed
      for (let at = 0; at < bytes.length; at += cut) parser.write(bytes.subarray(at, at + cut))
      collect()
      const perByte = (process.memoryUsage().heapUsed - before) / bytes.length
      assert.ok(perByte < 40, `${what}: ${perByte.toFixed(1)}`)
      assert.equal(kept.length, 1)
    }
  }
})

test('time grows with the input, however it is shaped and cut', () => {
  for (const [what, shape] of Object.entries(SHAPES)) {
    for (const cut of [1, 100_000]) {
      const time = (count: number): number => {
        const bytes = Buffer.from(shape(count))
        const parser = new StreamParser(sink(), WIDE)
        parser.write(Buffer.from('<stream>'))
        const start = process.cpuUsage()
        for (let at = 0; at < bytes.length; at += cut) parser.write(bytes.subarray(at, at + cut))
        const { user, system } = process.cpuUsage(start)
        return (user + system) / bytes.length
      }
      time(2000)
      const [short, long] = [time(2000), time(32_000)]
      // Sixteen times the input: quadratic would be sixteen times as much per byte.
      assert.ok(long < 6 * short + 0.5, `${what}, ${cut} at a time: ${short} and ${long} µs a byte`)
    }
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from './element.ts'
import { ownCopy, parseElement, StreamParser, type XmlCondition, XmlError } from './parser.ts'

const LIMITS = { bytes: 10_000, elements: 50, depth: 10, attributes: 10 }
const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='here.example'>"

/** What a stream says when it is given in these pieces; a refusal is its last word. */
function told(pieces: readonly Uint8Array[], act?: (event: string, parser: StreamParser) => void): string[] {
  const events: string[] = []
  const tell = (event: string): void => {
    events.push(event)
    act?.(event, parser)
  }
  const parser = new StreamParser(
    { onOpen: root => tell(`open ${root}`), onElement: element => tell(element.toString('jabber:client')), onClose: () => tell('close') },
    LIMITS,
  )
  try {
    for (const piece of pieces) parser.write(piece)
  } catch (error) {
    assert.ok(error instanceof XmlError)
    events.push(error.condition)
  }
  return events
}

/** The same whole, cut at each place, and byte by byte: it must make no difference. */
function toldHoweverCut(input: string | Uint8Array, act?: (event: string, parser: StreamParser) => void): string[] {
  const bytes = Buffer.from(input as string)
  const whole = told([bytes], act)
  for (let at = 1; at < bytes.length; at++) assert.deepEqual(told([bytes.subarray(0, at), bytes.subarray(at)], act), whole, `cut at ${at}`)
  assert.deepEqual(told([...bytes].map(byte => Buffer.of(byte)), act), whole, 'byte by byte') // biome-ignore format: one line
  return whole
}

const utf8 = (...parts: (string | number[])[]): Buffer => Buffer.concat(parts.map(part => Buffer.from(part as string)))

const REFUSED: Partial<Record<XmlCondition, readonly (string | Buffer)[]>> = {
  'not-well-formed': [
    '<a></b>', '<a></a b>', '<a><b></a></b>', '</a>', '< a/>', '<a/ >', '<a', '<a b/>', '<a b=c/>', "<a b='c'd='e'/>", "<a b='<'/>", "<a b='c' b='d'/>", '<1/>', '<-a/>', '<a:b:c/>', '<:a/>', '<a:/>', '<a\u00D7/>',
    "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>", "<a xmlns='u' xmlns='u'/>", "<a xmlns:p='u' xmlns:p='u'/>", "<a xml:lang='de' xml:lang='de'/>", '<a>]]></a>', '<a>&</a>', '<a>& </a>', '<a>&lt</a>', '<a>&;</a>', '<a>&#;</a>', '<a>&#x;</a>', '<a>&#xg;</a>',
    '<a>&#0;</a>', '<a>&#8;</a>', '<a>&#xD800;</a>', '<a>&#xFFFE;</a>', '<a>&#x110000;</a>', `<a>&#${'9'.repeat(500)};</a>`, '<a>\0</a>', '<a>\x0B</a>', "<a b='\x1F'/>", '<a>\uFFFE</a>', '<a>\uFFFF</a>', '<!x>', '<![CDAT[x]]>', '<![CDATA[x]]>', 'text', '&#32;', "<a b=''c=''/>", '<a "b">', '<a><b <c/></a>',
    utf8('<a>', [0x80], '</a>'), utf8('<a>', [0xc0, 0x80], '</a>'), utf8('<a>', [0xc1, 0xbf], '</a>'), utf8('<a>', [0xe0, 0x80, 0x80], '</a>'), utf8('<a>', [0xed, 0xa0, 0x80], '</a>'), utf8('<a>', [0xf0, 0x80, 0x80, 0x80], '</a>'),
    utf8('<a>', [0xf4, 0x90, 0x80, 0x80], '</a>'), utf8('<a>', [0xf5, 0x80, 0x80, 0x80], '</a>'), utf8('<a>', [0xe2, 0x82], '</a>'), utf8('<a>', [0xff], '</a>'), utf8("<a b='", [0xfe], "'/>"), utf8('<', [0xc3], '/>'),
  ],
  'restricted-xml': ['<!-- c -->', '<a><!-- c --></a>', '<?pi?>', '<a><?pi x?></a>', "<?xml version='1.0'?>", '<!DOCTYPE a>', '<a>&e;</a>', "<a b='&nbsp;'/>", '<?xmlx?>'],
  'bad-namespace-prefix': [
    '<p:a/>', "<a p:b=''/>", "<a xmlns:p=''/>", "<a xmlns:xml='u'/>", "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>",
    "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", "<a xmlns='http://www.w3.org/2000/xmlns/'/>", '<xmlns:a/>', '<xml:a/>', "<a><b xmlns:p='u'/><p:c/></a>",
  ],
} // biome-ignore format: a table

for (const [condition, inputs] of Object.entries(REFUSED)) {
  test(`inside a stream, what is ${condition} is refused as that, however it is cut`, () => {
    for (const input of inputs) {
      const bytes = utf8(`${HEADER}<ok/>`, [...Buffer.from(input as string)], '<late/>')
      const [opened, before, refusal, ...more] = toldHoweverCut(bytes)
      assert.match(opened!, /^open/)
      assert.deepEqual([before, refusal, more], ['<ok/>', condition, []], String(input))
    }
  })
}

const REFUSED_AT_START: readonly [string | Buffer, XmlCondition][] = [
  ["<?xml version='1.0' encoding='UTF-16'?><a/>", 'unsupported-encoding'],
  ["<?xml version='1.0' encoding='iso-8859-1'?><a/>", 'unsupported-encoding'],
  [utf8([0xfe, 0xff, 0, 0x3c]), 'unsupported-encoding'],
  [utf8([0xff, 0xfe, 0x3c, 0]), 'unsupported-encoding'],
  ["<?xml version='1.1'?><a/>", 'not-well-formed'],
  ['<?xml ?><a/>', 'not-well-formed'],
  ["<?xml encoding='UTF-8'?><a/>", 'not-well-formed'],
  ["<?xml version='1.0'encoding='UTF-8'?><a/>", 'not-well-formed'],
  [" <?xml version='1.0'?><a/>", 'restricted-xml'],
  ["<?xml version='1.0'?><?xml version='1.0'?><a/>", 'restricted-xml'],
  ['<?pi?><a/>', 'restricted-xml'],
  ["<!DOCTYPE a [<!ENTITY e 'x'>]><a/>", 'restricted-xml'],
  ['<!-- c --><a/>', 'restricted-xml'],
  ['\uFEFF<a/>', 'not-well-formed'],
  ['x<a/>', 'not-well-formed'],
  [utf8([0xc3, 0xfe], '/>'), 'not-well-formed'],
]

test('a stream that begins wrongly is refused, however it is cut', () => {
  for (const [input, condition] of REFUSED_AT_START) assert.deepEqual(toldHoweverCut(input), [condition], String(input))
})

test('the XML declaration may say UTF-8 and standalone', () => {
  for (const declaration of [
    "<?xml version='1.0'?>",
    '<?xml version="1.0" encoding="utf-8" standalone="yes" ?>',
    "<?xml\tversion = '1.0'\nencoding='UTF-8'?>\n",
  ]) {
    assert.deepEqual(toldHoweverCut(`${declaration}<a>`), ['open <a/>'])
  }
})

const UNDERSTOOD: readonly [string, string][] = [
  ["<a b = 'c'\n/>", "<a b='c'/>"],
  ['<a\t></a\r\n>', '<a/>'],
  ['<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x1f600;&#00066;</a>', "<a>&lt;&gt;&amp;'\"A😀B</a>"],
  ['<a>x<![CDATA[<&]]]]><![CDATA[>]]>y</a>', '<a>x&lt;&amp;]]&gt;y</a>'],
  ['<a><![CDATA[]]></a>', '<a/>'],
  ['<a>1\r\n2\r3\n4&#13;</a>', '<a>1\n2\n3\n4&#13;</a>'],
  ["<a b='1\r\n2\t3\r4\n5&#10;6 '/>", "<a b='1 2 3 4 5&#10;6 '/>"],
  ["<a b='>]]>\"'/>", "<a b='&gt;]]&gt;&quot;'/>"],
  ['<é.·-1 ü="ä"/>', "<é.·-1 ü='ä'/>"],
  ['<a>€ 😀 \u{10FFFF}\uFFFD\x7F</a>', '<a>€ 😀 \u{10FFFF}\uFFFD\x7F</a>'],
  ["<a __proto__='1' constructor='2' toString='3'/>", "<a __proto__='1' constructor='2' toString='3'/>"],
  ["<a xml:lang='de' xml:space='preserve'/>", "<a xml:lang='de' xml:space='preserve'/>"],
  ["<a p:b='1' xmlns:p='urn:p' b='2'/>", "<a b='2' xmlns:ns0='urn:p' ns0:b='1'/>"],
  ["<p:a xmlns:p='urn:p'><b/><p:c/></p:a>", "<a xmlns='urn:p'><b xmlns='jabber:client'/><c/></a>"],
  ["<a xmlns='urn:a'><b xmlns=''/></a>", "<a xmlns='urn:a'><b xmlns=''/></a>"],
  ["<a xmlns:p='urn:1'><p:b xmlns:p='urn:2'/><p:b/></a>", "<a><b xmlns='urn:2'/><b xmlns='urn:1'/></a>"],
  ["<stream:features/>", "<features xmlns='http://etherx.jabber.org/streams'/>"],
  ["<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", '<a/>'],
] // biome-ignore format: a table

test('what XML says in many ways is understood in one, however it is cut', () => {
  for (const [input, output] of UNDERSTOOD) assert.deepEqual(toldHoweverCut(HEADER + input).slice(1), [output], input)
})

test('the header is told at once, each child when complete, and the end', () => {
  const events = toldHoweverCut(`${HEADER} <a/>\n\t<b>text</b></stream:stream>\n`)
  assert.deepEqual(events, ["open <stream xmlns='http://etherx.jabber.org/streams' to='here.example'/>", '<a/>', '<b>text</b>', 'close'])
  assert.deepEqual(toldHoweverCut('<stream/>'), ['open <stream/>', 'close'])
})

test('nothing may come after the end of a stream', () => {
  for (const more of ['<a/>', '</a>', 'x', '<![CDATA[]]>']) {
    assert.equal(toldHoweverCut(`${HEADER}</stream:stream>${more}`).at(-1), 'not-well-formed')
  }
})

test('a handler may begin a new document in the middle of a chunk (RFC 6120 §4.3.3)', () => {
  const events = toldHoweverCut(`${HEADER}<auth/>${HEADER}<ä>ö</ä></stream:stream>`, (event, parser) => {
    if (event === '<auth/>') parser.restart()
  })
  assert.deepEqual(events.slice(1), [
    '<auth/>',
    "open <stream xmlns='http://etherx.jabber.org/streams' to='here.example'/>",
    '<ä>ö</ä>',
    'close',
  ])
})

test('a document begun by its own header stands alone', () => {
  let headers = 0
  const events = toldHoweverCut(`<a xmlns:p='u'><b><p:c/>`, (event, parser) => {
    if (event.startsWith('open') && headers++ % 2 === 0) parser.restart()
  })
  assert.deepEqual(events.slice(0, 2), ['open <a/>', 'open <b/>'])
  assert.equal(events[2], 'bad-namespace-prefix')
})

test('a handler may have the rest of a chunk ignored, as before TLS', () => {
  const discard = (event: string, parser: StreamParser): void => {
    if (event === '<starttls/>') parser.discard()
  }
  const [, ...events] = told([Buffer.from(`${HEADER}<starttls/><injected>\xFF<<`, 'latin1'), Buffer.from('<after/>')], discard)
  assert.deepEqual(events, ['<starttls/>', '<after/>'])
})

test('a restart from outside forgets what was begun', () => {
  const elements: string[] = []
  const parser = new StreamParser(
    { onOpen: root => elements.push(root.name), onElement: element => elements.push(element.name), onClose() {} },
    LIMITS,
  )
  parser.write(utf8('<one><half x="', [0xc3]))
  assert.equal(parser.isIdle, false)
  parser.restart()
  assert.equal(parser.isIdle, true)
  parser.write(Buffer.from('<two><a/>'))
  assert.deepEqual(elements, ['one', 'two', 'a'])
})

test('it is idle where nothing has begun', () => {
  const parser = new StreamParser({ onOpen() {}, onElement() {}, onClose() {} }, LIMITS)
  const pieces = [
    ['', true],
    ['<', false],
    ['s>', true],
    [' ', true],
    ['<a', false],
    ['>', false],
    ['</a>', true],
    ['</s', false],
    ['>', true],
  ] as const
  for (const [piece, expected] of pieces) {
    parser.write(Buffer.from(piece))
    assert.equal(parser.isIdle, expected, piece)
  }
})

test('after a refusal the parser is dead, and its words hold nothing of the input', () => {
  const parser = new StreamParser({ onOpen() {}, onElement: () => assert.fail(), onClose() {} }, LIMITS)
  assert.throws(
    () => parser.write(Buffer.from(`${HEADER}<secret></wrong>`)),
    (error: Error) => !/secret|wrong/.test(error.message + JSON.stringify(error)),
  )
  parser.write(Buffer.from('<a/>'))
})

test('what a handler throws comes through, and ends the parser', () => {
  const failure = new Error('handler')
  let calls = 0
  const parser = new StreamParser({ onOpen() {}, onClose() {}, onElement() {
    calls++
    throw failure
  } }, LIMITS) // biome-ignore format: short
  assert.throws(() => parser.write(Buffer.from(`${HEADER}<a/><b/>`)), failure)
  parser.write(Buffer.from('<c/>'))
  assert.equal(calls, 1)
})

test('elements keep nothing of the bytes they came in', () => {
  const elements: Element[] = []
  const parser = new StreamParser({ onOpen() {}, onElement: element => elements.push(element), onClose() {} }, LIMITS)
  const bytes = utf8(HEADER, '<a b="value">text</a><c>', [0xc3])
  parser.write(bytes)
  bytes.fill(0)
  parser.write(utf8([0xa4], '</c>'))
  assert.deepEqual(elements.map(String), ["<a xmlns='jabber:client' b='value'>text</a>", "<c xmlns='jabber:client'>ä</c>"])
})

test('one whole document becomes one element', () => {
  assert.equal(String(parseElement("<?xml version='1.0'?>\n<a><b/>text</a>\n")), '<a><b/>text</a>')
  assert.equal(String(parseElement('<a/>', LIMITS, 'jabber:client')), "<a xmlns='jabber:client'/>")
  for (const wrong of ['', ' ', '<a>', '<a/><b/>', '<a/>x', 'x<a/>', '<a></a', utf8('<a/>', [0xc3])]) {
    assert.throws(() => parseElement(wrong), { condition: 'not-well-formed' }, String(wrong))
  }
  assert.throws(() => parseElement('<a/><!-- c -->'), { condition: 'restricted-xml' })
})

test('a copy of its own says the same', () => {
  const xml = `<message xmlns='jabber:client' id='a&apos;b' xml:lang='de'><body>a &amp; b 😀</body><x xmlns='urn:x' xmlns:ns0='urn:y' ns0:z='1'><y/></x></message>`
  const element = parseElement(xml)
  const copy = ownCopy(element)
  assert.notEqual(copy, element)
  assert.deepEqual(String(copy), String(element))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Attributes, type Child, Element, escapeAttribute, escapeText, knownNamespace, namespace } from './element.ts'
import { parseElement } from './parser.ts'

const Client = namespace<'message' | 'body' | 'iq'>('jabber:client')
const X = namespace<'x' | 'y'>('urn:x')

test('an element is built, and asked, by namespace and name', () => {
  const first = X('x', { n: '1' })
  const message = Client('message', { to: 'a', from: undefined }, Client('body', {}, 'hi'), 'text', first, X('y'), X('x', { n: '2' }))
  assert.equal(message.child(X, 'x'), first)
  assert.equal(message.child(Client, 'iq'), undefined)
  assert.deepEqual(message.all(X, 'x').map(({ attrs }) => attrs['n']), ['1', '2']) // biome-ignore format: one line
  assert.equal(message.elements().length, 4)
  assert.equal(message.first()?.text, 'hi')
  assert.equal(Client('message', {}, 'only text').first(), undefined)
  assert.equal(message.text, 'text')
  assert.equal(message.is(Client, 'message'), true)
  assert.equal(message.is(Client, 'iq'), false)
  assert.equal('from' in message.attrs, false)
})

test('a changed copy leaves the first as it was', () => {
  const message = Client('message', { to: 'a', id: '1' }, Client('body', {}, 'hi'))
  const before = String(message)
  assert.equal(message.with({ to: 'b', id: undefined }).toString('jabber:client'), "<message to='b'><body>hi</body></message>")
  assert.equal(message.add(X('x')).toString('jabber:client'), "<message to='a' id='1'><body>hi</body><x xmlns='urn:x'/></message>")
  assert.equal(message.without(child => child.name === 'body').toString('jabber:client'), "<message to='a' id='1'/>")
  assert.equal(
    message.without(child => child.name === 'none'),
    message,
  )
  assert.equal(String(message), before)
})

test('a namespace is written where it changes', () => {
  const message = Client('message', {}, X('x', {}, new Element('', 'plain', {}, [X('y')])))
  assert.equal(String(message), "<message xmlns='jabber:client'><x xmlns='urn:x'><plain xmlns=''><y xmlns='urn:x'/></plain></x></message>")
  assert.equal(message.toString('jabber:client').startsWith('<message>'), true)
})

test('what has a meaning in XML is escaped', () => {
  assert.equal(escapeText(`a<b>&"'\r\n\t]]>`), `a&lt;b&gt;&amp;"'&#13;\n\t]]&gt;`)
  assert.equal(escapeAttribute(`<>&"'\r\n\t`), '&lt;&gt;&amp;&quot;&apos;&#13;&#10;&#9;')
})

test('what no XML can hold becomes a replacement character, so that it cannot end the stream of a reader', () => {
  assert.equal(escapeText('a\0b\x1Fc\uFFFEd\uFFFFe\x7F'), 'a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\x7F')
  assert.equal(escapeAttribute('\x0B\x1F\uFFFE'), '\uFFFD\uFFFD\uFFFD')
  assert.equal(parseElement(Buffer.from(String(new Element('', 'a', {}, ['😀\uDC00'])))).text, '😀\uFFFD')
})

test('names that objects have by themselves are attributes like any other', () => {
  const made = new Element('', 'a', {}, []).with(JSON.parse('{"__proto__":"1","constructor":"2"}'))
  assert.deepEqual(Object.keys(made.attrs), ['__proto__', 'constructor'])
  assert.equal(String(made), "<a __proto__='1' constructor='2'/>")
  assert.equal(Client('iq').attrs['constructor'], undefined)
  assert.equal(parseElement('<a/>').attrs['toString'], undefined)
})

test('a namespace of this server is always the same string, and nothing received adds to them', () => {
  assert.equal(knownNamespace('urn:x'), X.uri)
  assert.equal(parseElement("<x xmlns='urn:x'/>").is(X, 'x'), true)
  assert.equal(knownNamespace('urn:strange'), 'urn:strange')
})

const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map(string => string.replace(/[^\t\n\r\x20-\uFFFD\u{10000}-\u{10FFFF}]|\p{Cs}/gu, ''))
const name = fc.constantFrom('a', 'message', 'é', '_x', 'a-b.c', '𐐀', 'constructor', '__proto__')
const uri = fc.oneof(fc.constantFrom('', 'jabber:client', 'urn:x', 'a}b'), text)
const attrs = fc.dictionary(fc.oneof(name, fc.constant('xml:lang'), fc.tuple(uri, name).map(([ns, local]) => (ns === '' ? local : `{${ns}}${local}`))), text, { noNullPrototype: true }).map(made => Object.assign(new Attributes(), made)) // biome-ignore format: one line
const { element } = fc.letrec<{ element: Element; children: Child[] }>(tie => ({
  element: fc.tuple(uri, name, attrs, tie('children')).map(([ns, local, made, children]) => new Element(ns, local, made, children)),
  children: fc.array(fc.oneof({ maxDepth: 4, depthSize: 'small' }, text.filter(string => string !== ''), tie('element')), { maxLength: 4 }).map(joined), // biome-ignore format: one line
}))

/** Neighbouring texts are one text to every reader. */
function joined(children: Child[]): Child[] {
  const whole: Child[] = []
  for (const child of children) {
    const before = whole.at(-1)
    if (typeof child === 'string' && typeof before === 'string') whole[whole.length - 1] = before + child
    else whole.push(child)
  }
  return whole
}

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(element, fc.constantFrom('', 'jabber:client'), (made, outer) => {
      assert.deepEqual(plain(parseElement(made.toString(outer), undefined, outer)), plain(made))
    }),
    { numRuns: 500 },
  )
})

const plain = (child: Child): unknown =>
  typeof child === 'string' ? child : [child.ns, child.name, Object.entries(child.attrs).sort(), child.children.map(plain)]

test('children that are written already are read when somebody asks for them', () => {
  let reads = 0
  const read = () => {
    reads++
    return [X('y')]
  }
  const element = Element.written('urn:example:outer', 'outer', "<y xmlns='urn:x'/>", read)
  assert.equal(String(element), "<outer xmlns='urn:example:outer'><y xmlns='urn:x'/></outer>")
  assert.equal(reads, 0)
  assert.ok(element.child(X, 'y'))
  assert.equal(String(element.with({ id: 'a' })), "<outer xmlns='urn:example:outer' id='a'><y xmlns='urn:x'/></outer>")
  assert.equal(reads, 1)
})

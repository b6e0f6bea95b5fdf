import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { Client } from '../xmpp/stanza.ts'
import type { ContentNamespace } from './content-namespace.ts'
import { TcpFraming } from './framing.ts'

const LIMITS = { bytes: 10_000, elements: 50, depth: 10, attributes: 10 }
const OTHERS = ['jabber:server', 'jabber:component:accept'] as const

const header = (namespace: string, more = ''): string =>
  `<stream:stream xmlns='${namespace}' xmlns:stream='http://etherx.jabber.org/streams'${more}>`

/** What a stream of that kind takes out of these bytes. */
function read(namespace: ContentNamespace, xml: string): { framing: TcpFraming; elements: Element[]; content: string | undefined } {
  const elements: Element[] = []
  let content: string | undefined
  const handler = {
    onOpen: (_root: Element, written: string) => void (content = written),
    onElement: (element: Element) => void elements.push(element),
    onClose() {},
  }
  const framing = new TcpFraming(handler, LIMITS, namespace)
  framing.read(Buffer.from(xml))
  return { framing, elements, content }
}

for (const namespace of OTHERS) {
  test(`what comes in ${namespace} is a stanza like that of a client, with all that is in it`, () => {
    const { elements } = read(
      namespace,
      `${header(namespace, ` xmlns:p='${namespace}'`)}<message><body>a</body><x xmlns='urn:x'><y/></x></message>
       <message xmlns='${namespace}' type='error'><body>b</body><error><z xmlns='urn:z'/></error></message>
       <p:message><p:body>c</p:body></p:message>
       <message><x xmlns='urn:x'><body xmlns='${namespace}'>d</body></x></message>`,
    )
    assert.deepEqual(elements.map(String), [
      "<message xmlns='jabber:client'><body>a</body><x xmlns='urn:x'><y/></x></message>",
      "<message xmlns='jabber:client' type='error'><body>b</body><error><z xmlns='urn:z'/></error></message>",
      "<message xmlns='jabber:client'><body>c</body></message>",
      "<message xmlns='jabber:client'><x xmlns='urn:x'><body xmlns='jabber:client'>d</body></x></message>",
    ])
    assert.equal(elements[0]!.child(Client, 'body')?.text, 'a')
  })

  test(`what is sent in ${namespace} says nothing of the server's own namespace, but for what was forwarded`, () => {
    const { framing } = read(namespace, '')
    const forwarded = parseElement(
      "<message xmlns='jabber:client'><body>a</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>b</body></message></forwarded></message>",
    )
    const xml = framing.stanza(forwarded)
    assert.equal(
      xml,
      "<message><body>a</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>b</body></message></forwarded></message>",
    )
    const [again] = read(namespace, `${framing.header({ from: 'a.example', to: undefined, id: '1' })}${xml}`).elements
    assert.equal(String(again), String(forwarded))
  })
}

test('a stream tells in which namespace its peer opened it, whatever that is', () => {
  for (const written of ['jabber:client', 'jabber:server', 'jabber:component:accept', ''])
    assert.equal(read('jabber:server', header(written)).content, written)
  assert.equal(read('jabber:server', "<stream xmlns='jabber:server'/>").content, 'jabber:server')
})

test('a client that speaks of other streams is not understood', () => {
  for (const namespace of OTHERS) {
    const { elements } = read('jabber:client', `${header('jabber:client')}<message xmlns='${namespace}'/>`)
    assert.equal(elements[0]!.ns, namespace)
  }
})

test('XEP-0114 §3: the header for a component has no version, others have one', () => {
  const headerOf = (namespace: ContentNamespace): string =>
    read(namespace, '').framing.header({ from: "a'.example", to: undefined, id: '1' })
  assert.equal(
    headerOf('jabber:component:accept'),
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='a&apos;.example' id='1'>",
  )
  assert.match(headerOf('jabber:server'), /^<\?xml version='1.0'\?><stream:stream xmlns='jabber:server' [^>]* version='1.0' /)
})

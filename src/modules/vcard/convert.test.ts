import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { toTemp, toV4 } from './convert.ts'
import { V4 } from './namespaces.ts'

const temp = (inside: string): Element => parseElement(`<vCard xmlns='vcard-temp'>${inside}</vCard>`)
const v4 = (inside: string): Element => parseElement(`<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'>${inside}</vcard>`)
const FN = '<fn><text>Peter</text></fn>'
const inV4 = (inside: string): string => toV4(temp(`<FN>Peter</FN>${inside}`)).inner.slice(FN.length)
const inTemp = (inside: string): string => toTemp(v4(inside)).inner

/** The same in both formats (XEP-0292 §9 and its example). */
const SAME: readonly (readonly [string, string])[] = [
  ['<FN>Peter Saint-Andre</FN>', '<fn><text>Peter Saint-Andre</text></fn>'],
  [
    '<N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN><MIDDLE>J</MIDDLE><PREFIX>Mr</PREFIX><SUFFIX>Jr</SUFFIX></N>',
    '<n><surname>Saint-Andre</surname><given>Peter</given><additional>J</additional><prefix>Mr</prefix><suffix>Jr</suffix></n>',
  ],
  [
    '<NICKNAME>stpeter</NICKNAME><NICKNAME>psa</NICKNAME>',
    '<nickname><text>stpeter</text></nickname><nickname><text>psa</text></nickname>',
  ],
  ['<PHOTO><EXTVAL>https://stpeter.im/a.jpg</EXTVAL></PHOTO>', '<photo><uri>https://stpeter.im/a.jpg</uri></photo>'],
  ['<PHOTO><TYPE>image/gif</TYPE><BINVAL>R0lG</BINVAL></PHOTO>', '<photo><uri>data:image/gif;base64,R0lG</uri></photo>'],
  ['<BDAY>1966-08-06</BDAY>', '<bday><date>1966-08-06</date></bday>'],
  ['<BDAY>1966-08-06T12:00:00Z</BDAY>', '<bday><date-time>1966-08-06T12:00:00Z</date-time></bday>'],
  ['<BDAY>in summer</BDAY>', '<bday><text>in summer</text></bday>'],
  [
    '<ADR><WORK/><PREF/><POBOX>1</POBOX><EXTADD>Suite 600</EXTADD><STREET>1899 Wynkoop Street</STREET><LOCALITY>Denver</LOCALITY><REGION>CO</REGION><PCODE>80202</PCODE><CTRY>USA</CTRY></ADR>',
    '<adr><parameters><type><text>work</text></type><pref><integer>1</integer></pref></parameters><pobox>1</pobox><ext>Suite 600</ext><street>1899 Wynkoop Street</street><locality>Denver</locality><region>CO</region><code>80202</code><country>USA</country></adr>',
  ],
  [
    '<TEL><WORK/><VOICE/><PREF/><NUMBER>+1-303-308-3282</NUMBER></TEL>',
    '<tel><parameters><type><text>work</text><text>voice</text></type><pref><integer>1</integer></pref></parameters><uri>tel:+1-303-308-3282</uri></tel>',
  ],
  ['<TEL><NUMBER>+1 303 308</NUMBER></TEL>', '<tel><text>+1 303 308</text></tel>'],
  [
    '<EMAIL><WORK/><USERID>psaintan@cisco.com</USERID></EMAIL>',
    '<email><parameters><type><text>work</text></type></parameters><text>psaintan@cisco.com</text></email>',
  ],
  [
    '<EMAIL><PREF/><USERID>a@b.example</USERID></EMAIL>',
    '<email><parameters><pref><integer>1</integer></pref></parameters><text>a@b.example</text></email>',
  ],
  ['<JABBERID>stpeter@jabber.org</JABBERID>', '<impp><uri>xmpp:stpeter@jabber.org</uri></impp>'],
  ['<TZ>America/Denver</TZ>', '<tz><text>America/Denver</text></tz>'],
  ['<GEO><LAT>39.59</LAT><LON>-105.01</LON></GEO>', '<geo><uri>geo:39.59,-105.01</uri></geo>'],
  ['<TITLE>Executive Director</TITLE>', '<title><text>Executive Director</text></title>'],
  ['<ROLE>Patron Saint</ROLE>', '<role><text>Patron Saint</text></role>'],
  ['<LOGO><TYPE>image/png</TYPE><BINVAL>iVBO</BINVAL></LOGO>', '<logo><uri>data:image/png;base64,iVBO</uri></logo>'],
  ['<SOUND><BINVAL>AAAA</BINVAL></SOUND>', '<sound><uri>data:audio/basic;base64,AAAA</uri></sound>'],
  [
    '<ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>Council</ORGUNIT><ORGUNIT>Chair</ORGUNIT></ORG>',
    '<org><text>XSF</text><text>Council</text><text>Chair</text></org>',
  ],
  ['<CATEGORIES><KEYWORD>a</KEYWORD><KEYWORD>b</KEYWORD></CATEGORIES>', '<categories><text>a</text><text>b</text></categories>'],
  ['<DESC>More of me &amp; mine</DESC>', '<note><text>More of me &amp; mine</text></note>'],
  ['<NOTE>A note</NOTE>', '<note><parameters><type><text>x-note</text></type></parameters><text>A note</text></note>'],
  ['<PRODID>x</PRODID>', '<prodid><text>x</text></prodid>'],
  ['<REV>20200101T000000Z</REV>', '<rev><timestamp>20200101T000000Z</timestamp></rev>'],
  ['<UID>urn:uuid:1</UID>', '<uid><text>urn:uuid:1</text></uid>'],
  ['<URL>https://stpeter.im/</URL>', '<url><uri>https://stpeter.im/</uri></url>'],
  ['<KEY><CRED>-----BEGIN</CRED></KEY>', '<key><text>-----BEGIN</text></key>'],
]

test('XEP-0292 §9: what both formats have words for is the same in both', () => {
  for (const [old, now] of SAME) {
    if (!old.startsWith('<FN>')) assert.equal(inV4(old), now)
    assert.equal(inTemp(now), old)
  }
})

test('XEP-0292 §9.3: types that vCard4 does not know any more go', () => {
  assert.equal(inV4('<ADR><POSTAL/><DOM/><CTRY>USA</CTRY></ADR>'), '<adr><country>USA</country></adr>')
  assert.equal(
    inV4('<TEL><MSG/><ISDN/><CELL/><NUMBER>1</NUMBER></TEL>'),
    '<tel><parameters><type><text>cell</text></type></parameters><uri>tel:1</uri></tel>',
  )
  assert.equal(inV4('<EMAIL><INTERNET/><USERID>a@b</USERID></EMAIL>'), '<email><text>a@b</text></email>')
})

test('values of other types are understood', () => {
  assert.equal(inTemp('<nickname><text>a</text><text>b</text></nickname>'), '<NICKNAME>a,b</NICKNAME>')
  assert.equal(
    inTemp('<tel><parameters><type><text>CELL</text></type></parameters><uri>TEL:1</uri></tel>'),
    '<TEL><CELL/><NUMBER>1</NUMBER></TEL>',
  )
  assert.equal(inTemp('<uid><uri>urn:uuid:1</uri></uid><tz><utc-offset>-0500</utc-offset></tz>'), '<UID>urn:uuid:1</UID><TZ>-0500</TZ>')
  assert.equal(inTemp('<group name="work"><title><text>Boss</text></title></group>'), '<TITLE>Boss</TITLE>')
})

test('RFC 6350 §6.2.1: a card that says anything has a name, be it empty', () => {
  assert.equal(toV4(temp('<TITLE>Boss</TITLE>')).inner, '<fn><text/></fn><title><text>Boss</text></title>')
  assert.equal(inTemp('<fn><text/></fn>'), '')
  assert.equal(toV4(temp('')).inner, '')
  assert.equal(toV4(temp('<FN/><N><GIVEN/></N><ADR><HOME/></ADR><PHOTO><BINVAL/></PHOTO>')).inner, '')
})

test('XEP-0292 §9.5: what vCard4 has no words for, its clients leave alone, and those of vcard-temp find again', () => {
  const old = "<LABEL><HOME/><LINE>Elm Street</LINE></LABEL><CLASS><PRIVATE/></CLASS><MAILER>exim</MAILER><x xmlns='urn:example'>1</x>"
  assert.equal(inV4(old).replaceAll(" xmlns='vcard-temp'", ''), old)
  assert.equal(toTemp(toV4(temp(old))).inner, old)
})

test('what vcard-temp has no words for stays when one of its clients writes the card anew', () => {
  const former = v4(
    `${FN}<gender><sex><text>M</text></sex></gender><impp><uri>sip:peter@example.org</uri></impp><impp><uri>xmpp:p@x</uri></impp><url><uri>https://old</uri></url>`,
  )
  assert.equal(toTemp(former).inner, '<FN>Peter</FN><JABBERID>p@x</JABBERID><URL>https://old</URL>')
  assert.equal(
    toV4(temp('<FN>Pete</FN>'), former).inner,
    '<fn><text>Pete</text></fn><gender><sex><text>M</text></sex></gender><impp><uri>sip:peter@example.org</uri></impp>',
  )
  assert.equal(toV4(temp('<FN>Pete</FN>'), v4(FN)).inner, '<fn><text>Pete</text></fn>')
})

test('a card is in the namespace of its format, whatever a client puts into it', () => {
  assert.equal(inV4("<VERSION>3.0</VERSION><fn xmlns='urn:ietf:params:xml:ns:vcard-4.0'><text>Forged</text></fn>"), '')
  assert.equal(inV4("<FN xmlns='urn:example'>Other</FN>"), "<FN xmlns='urn:example'>Other</FN>")
  assert.equal(inTemp('<photo><uri>data:image/svg+xml,%3Csvg/%3E</uri></photo><geo><uri>nowhere</uri></geo>'), '')
})

test('after one way and back a card does not change any more', () => {
  const part = fc.constantFrom(
    ...SAME.map(([old]) => old),
    '<FN/>',
    'text',
    '<LABEL/>',
    '<ORG/>',
    "<y xmlns='urn:y'/>",
    '<PHOTO><BINVAL>?</BINVAL></PHOTO>',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), parts => {
      const once = toV4(temp(parts.join('')))
      const back = toTemp(once)
      assert.equal(String(toV4(back, once)), String(once))
      assert.equal(String(toTemp(toV4(back))), String(back))
    }),
  )
})

test('whatever stands in a card, it is converted to XML that is read as the same', () => {
  const words = fc.constantFrom(
    'PHOTO',
    'BINVAL',
    'EXTVAL',
    'TYPE',
    'N',
    'FAMILY',
    'ADR',
    'TEL',
    'NUMBER',
    'GEO',
    'ORG',
    'photo',
    'uri',
    'group',
    'note',
  )
  const spaces = fc.constantFrom('vcard-temp', 'urn:ietf:params:xml:ns:vcard-4.0', 'urn:example')
  const text = fc.constantFrom('data:;base64,', 'data:,', 'geo:,', '<&>', ' ')
  const within = (child: fc.Arbitrary<Element | string>): fc.Arbitrary<Element> =>
    fc.tuple(spaces, words, fc.array(child, { maxLength: 4 })).map(([ns, name, children]) => new Element(ns, name, {}, children))
  const element = within(fc.oneof(text, within(fc.oneof(text, within(text)))))
  fc.assert(
    fc.property(fc.array(element, { maxLength: 5 }), elements => {
      for (const card of [toV4(new Element('vcard-temp', 'vCard', {}, elements)), toTemp(new Element(V4.uri, 'vcard', {}, elements))]) {
        assert.equal(String(parseElement(String(card))), String(card))
      }
    }),
  )
})

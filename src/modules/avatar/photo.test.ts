import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { type Image, readImage } from './image.ts'
import { dataElement, metadataElement, photoElement, readData, readMetadata, readPhoto, withPhotoHash } from './photo.ts'

const BASE64 = 'R0lGODlhQAAwADs='
const image: Image = readImage(BASE64, undefined)!
const xml = (text: string): Element => parseElement(text, undefined, 'jabber:client')

test('XEP-0398 §3.2: an avatar is published with its hash and its type, and read from there again', () => {
  assert.equal(String(dataElement(image)), `<data xmlns='urn:xmpp:avatar:data'>${BASE64}</data>`)
  assert.equal(
    String(metadataElement(image)),
    `<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='11' id='${image.id}' type='image/gif' width='64' height='48'/></metadata>`,
  )
  const found = readMetadata(metadataElement(image))!
  assert.deepEqual(found, { id: image.id, type: 'image/gif' })
  assert.deepEqual(readData(dataElement(image), found), image)
})

test('XEP-0398 §3.1: of several formats the one counts that is not elsewhere', () => {
  const metadata = (...infos: string[]): Element => xml(`<metadata xmlns="urn:xmpp:avatar:metadata">${infos.join('')}</metadata>`)
  const elsewhere = '<info bytes="2" id="e279" type="image/png" url="https://example.org/a.png"/>'
  const here = '<info bytes="1" id="111f" type="image/png"/>'
  assert.deepEqual(readMetadata(metadata(elsewhere, here)), { id: '111f', type: 'image/png' })
  for (const none of [[], [elsewhere], ['<info/>'], ['<stop/>'], ['<info xmlns="urn:example" id="1"/>']]) {
    assert.equal(readMetadata(metadata(...none)), undefined)
  }
})

test('XEP-0398 §3.1: data with another hash than its id says is no avatar', () => {
  assert.equal(readData(dataElement(image), { id: image.id.toUpperCase(), type: undefined })?.id, image.id)
  assert.equal(readData(dataElement(image), { id: image.id.replace(/./, 'x'), type: 'image/gif' }), undefined)
  assert.equal(readData(xml(`<data xmlns="urn:example">${BASE64}</data>`), { id: image.id, type: 'image/gif' }), undefined)
})

test('XEP-0153 §4.5: a photo is read from a card, and written there', () => {
  const photo = photoElement(image)
  assert.equal(String(photo), `<PHOTO xmlns='vcard-temp'><TYPE>image/gif</TYPE><BINVAL>${BASE64}</BINVAL></PHOTO>`)
  assert.deepEqual(readPhoto(photo), image)
  for (const inside of [
    '',
    '<EXTVAL>https://example.org/a.png</EXTVAL>',
    '<BINVAL/>',
    '<TYPE>image/png</TYPE><BINVAL>?</BINVAL>',
    BASE64,
  ]) {
    assert.equal(readPhoto(xml(`<PHOTO xmlns="vcard-temp">${inside}</PHOTO>`)), undefined, inside)
  }
  const foreign = `<PHOTO xmlns="vcard-temp"><BINVAL xmlns="urn:example">${BASE64}</BINVAL></PHOTO>`
  assert.equal(readPhoto(xml(foreign)), undefined)
})

test('XEP-0398 §4: the hash stands in all presence but that of a client that says there is none', () => {
  const x = (inside: string): string => `<x xmlns="vcard-temp:x:update">${inside}</x>`
  const photo = (presence: Element): string => String(presence.elements().find(child => child.name === 'x') ?? '')
  const hash = "<x xmlns='vcard-temp:x:update'><photo>abc</photo></x>"
  const none = "<x xmlns='vcard-temp:x:update'><photo/></x>"
  for (const [said, known, told] of [
    ['', 'abc', hash],
    [x(''), 'abc', hash],
    [x('<photo>abc</photo>'), 'abc', hash],
    [x('<photo>def</photo>'), 'abc', hash],
    [x('<photo xmlns="urn:example"/>'), 'abc', hash],
    [x('<photo/>'), 'abc', none],
    [x('<photo> </photo>'), 'abc', "<x xmlns='vcard-temp:x:update'><photo> </photo></x>"],
    ['', '', none],
    [x(''), '', none],
    [x('<photo>abc</photo>'), '', hash],
    ['', undefined, ''],
    [x(''), undefined, "<x xmlns='vcard-temp:x:update'/>"],
  ] as const) {
    assert.equal(photo(withPhotoHash(xml(`<presence>${said}</presence>`), known)), told, `${said} with ${known}`)
  }
  const presence = xml(`<presence id="p1"><show>away</show>${x('')}<c xmlns="urn:example"/></presence>`)
  assert.equal(
    String(withPhotoHash(presence, 'abc')),
    `<presence xmlns='jabber:client' id='p1'><show>away</show><c xmlns='urn:example'/>${hash}</presence>`,
  )
})

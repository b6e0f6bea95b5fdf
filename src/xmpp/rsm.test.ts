import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, namespace } from '../xml/element.ts'
import { type PageRequest, pageElement, pageOf, Rsm, readPage } from './rsm.ts'

const Search = namespace<'query'>('jabber:iq:search')
const query = (...set: Element[]): Element => Search('query', {}, Rsm('set', {}, ...set))

test('a request is read, and never asks for more than the largest page', () => {
  assert.deepEqual(readPage(Search('query'), 50), { max: 50 })
  assert.deepEqual(readPage(query(), 50), { max: 50 })
  assert.deepEqual(readPage(query(Rsm('max', {}, '10')), 50), { max: 10 })
  assert.deepEqual(readPage(query(Rsm('max', {}, '1000')), 50), { max: 50 })
  assert.deepEqual(readPage(query(Rsm('max', {}, '0')), 50), { max: 0 })
  assert.deepEqual(readPage(query(Rsm('after', {}, 'x')), 50), { max: 50, after: 'x' })
  assert.deepEqual(readPage(query(Rsm('after')), 50), { max: 50 })
  assert.deepEqual(readPage(query(Rsm('before')), 50), { max: 50, before: '' })
  assert.deepEqual(readPage(query(Rsm('index', {}, '371')), 50), { max: 50, index: 371 })
})

test('a request that makes no sense is refused', () => {
  for (const set of [
    [Rsm('max', {}, '-1')],
    [Rsm('max', {}, '')],
    [Rsm('max', {}, '1e3')],
    [Rsm('index', {}, 'first')],
    [Rsm('after', {}, 'x'), Rsm('before', {}, 'y')],
    [Rsm('after', {}, 'x'), Rsm('index', {}, '1')],
  ]) {
    assert.throws(() => readPage(query(...set), 50), { condition: 'bad-request' })
  }
})

test('a page says where it begins and ends; an empty one only how many there are', () => {
  assert.equal(
    pageElement({ first: 'a', last: 'b', index: 0, count: 800 }).toString(),
    "<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>a</first><last>b</last><count>800</count></set>",
  )
  assert.equal(
    pageElement({ first: 'a', last: 'a' }).toString(),
    "<set xmlns='http://jabber.org/protocol/rsm'><first>a</first><last>a</last></set>",
  )
  assert.equal(pageElement({ count: 790 }).toString(), "<set xmlns='http://jabber.org/protocol/rsm'><count>790</count></set>")
})

const letters = [...'abcdefgh']
const cut = (request: PageRequest): string => pageOf(letters, letter => letter, request).items.join('')

test('pages follow one another forwards and backwards', () => {
  assert.equal(cut({ max: 3 }), 'abc')
  assert.equal(cut({ max: 3, after: 'c' }), 'def')
  assert.equal(cut({ max: 3, after: 'f' }), 'gh')
  assert.equal(cut({ max: 3, after: 'h' }), '')
  assert.equal(cut({ max: 3, before: '' }), 'fgh')
  assert.equal(cut({ max: 3, before: 'f' }), 'cde')
  assert.equal(cut({ max: 3, before: 'c' }), 'ab')
  assert.equal(cut({ max: 3, before: 'a' }), '')
  assert.equal(cut({ max: 3, index: 4 }), 'efg')
  assert.equal(cut({ max: 0 }), '')
})

test('a page of a list knows its place', () => {
  const { page } = pageOf(letters, letter => letter, { max: 3, before: 'f' })
  assert.deepEqual(page, { first: 'c', last: 'e', index: 2, count: 8 })
  assert.deepEqual(pageOf(letters, letter => letter, { max: 0 }).page, { count: 8 })
})

test('an item that is gone is no place to begin at', () => {
  for (const request of [
    { max: 3, after: 'x' },
    { max: 3, before: 'x' },
    { max: 3, index: 9 },
  ]) {
    assert.throws(() => cut(request), { condition: 'item-not-found' })
  }
})

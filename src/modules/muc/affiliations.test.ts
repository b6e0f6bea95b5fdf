import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '../../xmpp/jid.ts'
import { Affiliations } from './affiliations.ts'

const jid = (text: string): Jid => Jid.parse(text)

test('XEP-0045 §9.2: whoever is of a banned domain is banned, but who is affiliated himself', () => {
  const all = new Affiliations([
    ['shakespeare.lit', { affiliation: 'outcast' }],
    ['crone1@shakespeare.lit', { affiliation: 'member' }],
  ])
  assert.equal(all.of(jid('macbeth@shakespeare.lit/castle')), 'outcast')
  assert.equal(all.of(jid('crone1@shakespeare.lit/desktop')), 'member')
  assert.equal(all.of(jid('crone1@denmark.lit')), 'none')
})

test('of reasons so much is kept in a room, and not more by one of them again and again', () => {
  const all = new Affiliations()
  const reason = 'x'.repeat(500)
  for (let i = 0; i < 1000; i++) all.set(`u${i % 500}@denmark.lit`, { affiliation: 'outcast', reason })
  assert.equal([...all.entries()].filter(([, { reason }]) => reason !== undefined).length, 400)
  all.set('u0@denmark.lit', { affiliation: 'none' })
  all.set('hamlet@denmark.lit', { affiliation: 'outcast', reason: 'Madness' })
  assert.equal(all.get('hamlet@denmark.lit')?.reason, 'Madness')
})

test('an affiliation of a domain is not one of its users', () => {
  const all = new Affiliations([['bot.example', { affiliation: 'admin' }]])
  assert.equal(all.of(jid('bot.example/x')), 'admin')
  assert.equal(all.of(jid('mallory@bot.example')), 'none')
})

test('XEP-0045 §9.1: an outcast has no nick reserved any more, nor has who is without affiliation', () => {
  const all = new Affiliations([['hag66@shakespeare.lit', { affiliation: 'member', nick: 'thirdwitch' }]])
  assert.equal(all.holderOf('thirdwitch'), 'hag66@shakespeare.lit')
  all.set('hag66@shakespeare.lit', { affiliation: 'outcast', nick: 'thirdwitch' })
  assert.equal(all.holderOf('thirdwitch'), undefined)
  assert.equal(all.nickOf(jid('hag66@shakespeare.lit/pda')), undefined)
  all.set('hag66@shakespeare.lit', { affiliation: 'none', nick: 'thirdwitch' })
  assert.equal(all.size, 0)
})

test('a nick is reserved as long as its holder has no other one', () => {
  const all = new Affiliations([['a@here.example', { affiliation: 'member', nick: 'one' }]])
  all.set('a@here.example', { affiliation: 'member', nick: 'two' })
  all.set('b@here.example', { affiliation: 'member', nick: 'one' })
  all.set('a@here.example', { affiliation: 'member' })
  assert.equal(all.holderOf('one'), 'b@here.example')
  assert.equal(all.holderOf('two'), undefined)
})

test('who is the last owner', () => {
  const all = new Affiliations([['a@here.example', { affiliation: 'owner' }]])
  assert.equal(all.isLastOwner('a@here.example'), true)
  assert.equal(all.isLastOwner('b@here.example'), false)
  all.set('b@here.example', { affiliation: 'owner' })
  assert.equal(all.isLastOwner('a@here.example'), false)
})

test('XEP-0463: each change of an affiliation is a version, and nothing else is', () => {
  const all = new Affiliations()
  const first = all.versions.latest
  assert.equal(all.set('a@here.example', { affiliation: 'member' })?.from, 'none')
  const second = all.versions.latest
  assert.notEqual(second, first)
  assert.equal(all.set('a@here.example', { affiliation: 'member', nick: 'one' }), undefined)
  assert.equal(all.versions.latest, second)
})

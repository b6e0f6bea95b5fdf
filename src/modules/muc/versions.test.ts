import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownIn, Versions, viewOf } from './versions.ts'

const ALL = viewOf(() => true)
const NOT_BANS = viewOf(list => list !== 'outcast')
const A = 'a@here.example'
const B = 'b@here.example'

test('XEP-0463 §4.2.1: what has changed since a version, and nothing since the newest', () => {
  const versions = new Versions()
  const first = versions.of(ALL)
  assert.deepEqual(versions.since(first, ALL), [])
  versions.add({ jid: A, from: 'none', to: 'member' })
  versions.add({ jid: A, from: 'member', to: 'none' })
  assert.deepEqual(versions.since(first, ALL), [
    { jid: A, from: 'none', to: 'member', since: first.slice(0, -2), until: versions.since(first, ALL)![0]!['until' as never] },
    versions.since(first, ALL)![1],
  ])
  assert.deepEqual(versions.since(versions.of(ALL), ALL), [])
})

test('XEP-0463 §4.2.1: a version that was never said is not known', () => {
  const versions = new Versions()
  for (const version of ['', '.', 'x', 'x.f', '.f', `${versions.latest}.zz`, versions.latest])
    assert.equal(versions.since(version, ALL), undefined)
})

test('XEP-0463 §4.2.3, §5: who may not see bans has versions without them', () => {
  const versions = new Versions()
  const first = versions.of(NOT_BANS)
  const unseen = versions.add({ jid: A, from: 'none', to: 'outcast' })
  assert.equal(versions.of(NOT_BANS), first)
  assert.equal(versions.span(unseen, NOT_BANS), undefined)
  const seen = versions.add({ jid: B, from: 'member', to: 'outcast' })
  const [change, ...more] = versions.since(first, NOT_BANS)!
  assert.equal(more.length, 0)
  assert.equal(change!.jid, B)
  assert.equal(shownIn(NOT_BANS, change!.to), 'none')
  assert.deepEqual(versions.span(seen, NOT_BANS), { since: first, until: versions.of(NOT_BANS) })
})

test('who may see bans from now on is told all', () => {
  const versions = new Versions()
  versions.add({ jid: A, from: 'none', to: 'outcast' })
  assert.equal(versions.since(versions.of(NOT_BANS), ALL), undefined)
})

test('who may not see them any more has what he knows, once more than that has changed', () => {
  const versions = new Versions()
  versions.add({ jid: A, from: 'none', to: 'outcast' })
  const known = versions.of(ALL)
  assert.equal(versions.since(known, NOT_BANS), undefined)
  versions.add({ jid: B, from: 'none', to: 'member' })
  assert.deepEqual(
    versions.since(known, NOT_BANS)!.map(({ jid }) => jid),
    [B],
  )
})

test('each span begins where the last one has ended', () => {
  const versions = new Versions()
  let known = versions.of(NOT_BANS)
  for (let i = 0; i < 250; i++) {
    const change = versions.add(
      i % 3 === 0 ? { jid: A, from: 'none', to: 'outcast' } : { jid: B, from: i % 2 === 0 ? 'none' : 'member', to: 'admin' },
    )
    const span = versions.span(change, NOT_BANS)
    if (span === undefined) continue
    assert.equal(span.since, known)
    known = span.until
  }
})

test('so many changes are remembered; after a restart, those from then on', () => {
  const versions = new Versions()
  const first = versions.of(ALL)
  for (let i = 0; i < 150; i++) versions.add({ jid: A, from: i % 2 === 0 ? 'none' : 'member', to: i % 2 === 0 ? 'member' : 'none' })
  assert.equal(versions.since(first, ALL), undefined)
  const again = new Versions(versions.latest)
  assert.deepEqual(again.since(versions.of(ALL), ALL), [])
  again.add({ jid: B, from: 'none', to: 'owner' })
  assert.equal(again.since(versions.of(ALL), ALL)!.length, 1)
})

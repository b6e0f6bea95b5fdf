import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Peers } from '../../net/peer-key.ts'
import { Pace } from './pace.ts'

function pace(): { pace: Pace; peers: Peers; later(ms: number): void } {
  let now = 0
  const peers = new Peers(() => now)
  return { pace: new Pace(peers, () => now), peers, later: ms => void (now += ms) }
}

test('RFC 6120 §13.12: a network that fails often is answered later and later, then turned away, then forgiven', () => {
  const { pace: it, peers, later } = pace()
  const peer = peers.keyOf('192.0.2.7')
  const delays = Array.from({ length: 10 }, (_, i) => it.failed(peer, `name${i}`))
  assert.deepEqual(delays, [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  assert.equal(it.failed(peers.keyOf('198.51.100.1'), 'other'), 0)
  for (let i = 0; i < 30; i++) it.failed(peer, undefined)
  assert.equal(it.mayTry(peer), false)
  assert.equal(it.mayTry(peers.keyOf('192.0.2.99')), false)
  later(300_000)
  assert.equal(it.mayTry(peer), true)
})

test('RFC 6120 §13.12: who comes by way of a proxy or Tor is slowed down by account, which is never locked', () => {
  const { pace: it, peers, later } = pace()
  const shared = peers.keyOf(undefined)
  for (let i = 0; i < 1000; i++) {
    assert.equal(it.failed(shared, 'romeo@here.example'), 0)
    assert.equal(it.mayTry(shared), true)
  }
  assert.equal(it.delayOf('romeo@here.example'), 8000)
  assert.equal(it.delayOf('juliet@here.example'), 0)
  later(8 * 300_000)
  assert.equal(it.delayOf('romeo@here.example'), 0)
  later(100 * 300_000)
  assert.equal(it.delayOf('romeo@here.example'), 0)
})

test('DESIGN law 10: so many wait at a time, and who crowds out others gives way to them', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { pace: it, peers } = pace()
  const crowd = peers.keyOf('192.0.2.7')
  const first = it.wait(1000, peers.keyOf('203.0.113.1'), 'romeo@here.example')
  const guesses = Array.from({ length: 999 }, () => it.wait(1000, crowd, 'romeo@here.example'))
  const owner = it.wait(1000, peers.keyOf('198.51.100.1'), 'romeo@here.example')
  assert.equal(await guesses[0], false)
  const last = it.wait(1000, crowd, 'romeo@here.example')
  assert.equal(await guesses[1], false)
  mock.timers.tick(1000)
  assert.deepEqual(await Promise.all([first, owner, last]), [true, true, true])
  assert.ok((await Promise.all(guesses.slice(2))).every(hasWaited => hasWaited))
})

test('RFC 6120 §13.12: who comes by way of a proxy or Tor gives way to those who log in to other accounts', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { pace: it, peers } = pace()
  const shared = peers.keyOf(undefined)
  const guesses = Array.from({ length: 1000 }, () => it.wait(1000, shared, 'romeo@here.example'))
  const juliet = it.wait(1000, shared, 'juliet@here.example')
  const next = it.wait(1000, shared, 'romeo@here.example')
  assert.deepEqual(await Promise.all(guesses.slice(0, 2)), [false, false])
  mock.timers.tick(1000)
  assert.deepEqual(await Promise.all([juliet, next, guesses[2]]), [true, true, true])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate } from './gate.ts'
import { Peers } from './peer-key.ts'

const HOUR = 3_600_000

function clockedPeers() {
  const clock = { now: 0 }
  return { clock, peers: new Peers(() => clock.now) }
}

const same: [string, string][] = [
  ['192.0.2.1', '192.0.2.254'],
  ['192.0.2.1', '::ffff:192.0.2.7'],
  ['2001:db8:0:1200::1', '2001:db8:0:12ff:ffff::'],
  ['2001:db8::1', '2001:0DB8:0000:0000:0000:0000:0000:0002'],
  ['fe80::1%eth0', 'fe80::2'],
  ['127.0.0.1', '::1'],
]
const different: [string, string][] = [
  ['192.0.2.1', '192.0.3.1'],
  ['2001:db8:0:1200::1', '2001:db8:0:1300::1'],
  ['2001:db8::1', '2001:db9::1'],
  ['64:ff9b::192.0.2.1', '64:ff9c::192.0.2.1'],
]

test('addresses of one network have one key', () => {
  const { peers } = clockedPeers()
  for (const [a, b] of same) assert.deepEqual(peers.keyOf(a), peers.keyOf(b), `${a} ${b}`)
  for (const [a, b] of different) assert.notEqual(peers.keyOf(a).current, peers.keyOf(b).current, `${a} ${b}`)
})

test('local programs and transports without addresses share one bucket', () => {
  const { peers } = clockedPeers()
  assert.deepEqual(peers.keyOf(undefined), peers.keyOf('127.0.0.1'))
  assert.ok(peers.keyOf('::ffff:127.0.0.1').isShared)
  assert.ok(!peers.keyOf('192.0.2.1').isShared)
})

test('local programs get another key with the hour, too', () => {
  const { clock, peers } = clockedPeers()
  const before = peers.keyOf(undefined)
  assert.equal(peers.keyOf('127.0.0.1'), before)
  clock.now = HOUR
  const after = peers.keyOf(undefined)
  assert.deepEqual([after.open, after.previous, after.epoch], [before.open, before.current, before.epoch + 1])
  assert.notEqual(after.current, before.current)
})

test('two processes give one network different keys', () => {
  assert.notEqual(new Peers().keyOf('192.0.2.1').open, new Peers().keyOf('192.0.2.1').open)
})

test('failures are remembered over one change of keys and forgotten with the second', () => {
  const { clock, peers } = clockedPeers()
  clock.now = HOUR - 1
  const before = peers.keyOf('192.0.2.1')
  for (let i = 0; i < 20; i++) peers.countFailure(before)
  assert.equal(peers.failuresOf(before), 20)
  clock.now = HOUR + 1
  const after = peers.keyOf('192.0.2.9')
  assert.notEqual(after.current, before.current)
  assert.equal(peers.failuresOf(after), peers.failuresOf(before))
  assert.ok(peers.failuresOf(after) >= 10)
  clock.now = 2 * HOUR + 2
  assert.equal(peers.failuresOf(before), 0)
  assert.equal(peers.failuresOf(peers.keyOf('192.0.2.1')), 0)
})

test('a failure counts half after five minutes, and nothing after a long silence', () => {
  const { clock, peers } = clockedPeers()
  const key = peers.keyOf('192.0.2.1')
  for (let i = 0; i < 8; i++) peers.countFailure(key)
  clock.now += 300_000
  assert.equal(peers.failuresOf(key), 4)
  clock.now += 10 * 300_000
  assert.equal(peers.failuresOf(key), 0)
  clock.now += 1000 * HOUR
  assert.equal(peers.failuresOf(peers.keyOf('192.0.2.1')), 0)
})

test('ten thousand strangers hardly blur the count of one network', () => {
  const { peers } = clockedPeers()
  for (let i = 0; i < 10_000; i++) peers.countFailure(peers.keyOf(`10.${i >> 8}.${i & 255}.1`))
  assert.ok(peers.failuresOf(peers.keyOf('192.0.2.1')) <= 2)
})

test('the gate holds no more connections than its limits, in total and per network', () => {
  const gate = new Gate(new Peers(), { total: 4, perNetwork: 2 })
  const first = gate.enter('192.0.2.1')!
  assert.ok(gate.enter('192.0.2.2'))
  assert.equal(gate.enter('192.0.2.3'), undefined)
  assert.ok(gate.enter('127.0.0.1') && gate.enter('127.0.0.1'), 'the network limit does not bind local programs')
  assert.equal(gate.enter('198.51.100.1'), undefined)
  gate.leave(first)
  assert.equal(gate.connections, 3)
  assert.ok(gate.enter('192.0.2.3'))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  inbound,
  isPendingIn,
  isPendingOut,
  outbound,
  type State,
  type SubscriptionType,
  seesContact,
  seesUser,
  subscriptionIn,
} from './subscription.ts'

// The tables of RFC 6121 Appendix A. `yes`: it is routed or delivered; `no`: it is not; `-`: the state stays;
// after a `+`: what the server answers.
const TABLES: Readonly<Record<string, string>> = {
  'out subscribe': `
    none        | yes | none+out
    none+out    | yes | -
    none+in     | yes | none+out+in
    none+out+in | yes | -
    to          | yes | -
    to+in       | yes | -
    from        | yes | from+out
    from+out    | yes | -
    both        | yes | -`,
  'out unsubscribe': `
    none        | yes | -
    none+out    | yes | none
    none+in     | yes | -
    none+out+in | yes | none+in
    to          | yes | none
    to+in       | yes | none+in
    from        | yes | -
    from+out    | yes | from
    both        | yes | from`,
  'out subscribed': `
    none        | no  | -
    none+out    | no  | -
    none+in     | yes | from
    none+out+in | yes | from+out
    to          | no  | -
    to+in       | yes | both
    from        | no  | -
    from+out    | no  | -
    both        | no  | -`,
  'out unsubscribed': `
    none        | no  | -
    none+out    | no  | -
    none+in     | yes | none
    none+out+in | yes | none+out
    to          | no  | -
    to+in       | yes | to
    from        | yes | none
    from+out    | yes | none+out
    both        | yes | to`,
  'in subscribe': `
    none        | yes | none+in
    none+out    | yes | none+out+in
    none+in     | no  | -
    none+out+in | no  | -
    to          | yes | to+in
    to+in       | no  | -
    from        | no  | - | subscribed
    from+out    | no  | - | subscribed
    both        | no  | - | subscribed`,
  'in unsubscribe': `
    none        | no  | -
    none+out    | no  | -
    none+in     | yes | none     | unsubscribed
    none+out+in | yes | none+out | unsubscribed
    to          | no  | -
    to+in       | yes | to       | unsubscribed
    from        | yes | none     | unsubscribed
    from+out    | yes | none+out | unsubscribed
    both        | yes | to       | unsubscribed`,
  'in subscribed': `
    none        | no  | -
    none+out    | yes | to
    none+in     | no  | -
    none+out+in | yes | to+in
    to          | no  | -
    to+in       | no  | -
    from        | no  | -
    from+out    | yes | both
    both        | no  | -`,
  'in unsubscribed': `
    none        | no  | -
    none+out    | yes | none
    none+in     | no  | -
    none+out+in | yes | none+in
    to          | yes | none
    to+in       | yes | none+in
    from        | no  | -
    from+out    | yes | from
    both        | yes | from`,
}

for (const [title, table] of Object.entries(TABLES)) {
  const [direction, type] = title.split(' ') as ['out' | 'in', SubscriptionType]
  for (const row of table.trim().split('\n')) {
    const [state, passes, next, reply] = row.split('|').map(cell => cell.trim()) as [State, string, string, string?]
    test(`RFC 6121 App. A: ${direction}bound ${type} in the state ${state}`, () => {
      const step = direction === 'out' ? outbound(type, state) : inbound(type, state)
      assert.deepEqual(step, { passes: passes === 'yes', state: next === '-' ? state : next, reply })
    })
  }
}

test('RFC 6121 App. A.1: what the nine states say', () => {
  const said = (state: State): unknown[] => [
    subscriptionIn(state),
    seesContact(state),
    seesUser(state),
    isPendingOut(state),
    isPendingIn(state),
  ]
  assert.deepEqual(said('none'), ['none', false, false, false, false])
  assert.deepEqual(said('none+out'), ['none', false, false, true, false])
  assert.deepEqual(said('none+in'), ['none', false, false, false, true])
  assert.deepEqual(said('none+out+in'), ['none', false, false, true, true])
  assert.deepEqual(said('to'), ['to', true, false, false, false])
  assert.deepEqual(said('to+in'), ['to', true, false, false, true])
  assert.deepEqual(said('from'), ['from', false, true, false, false])
  assert.deepEqual(said('from+out'), ['from', false, true, true, false])
  assert.deepEqual(said('both'), ['both', true, true, false, false])
})

/** Storms of presence: what costs the room more the more are in it is bounded by what it tells, and a full house may enter at once. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { coven, Elsewhere, heard, joinXml, open, presence, ROOM, roomIn, type Stranger, says, sayXml } from '../../../test/muc-story.ts'
import { type Client, type StoryOptions, story, type World } from '../../../test/story.ts'

/** `count` others from elsewhere, one client each. */
async function crowd(world: World, count: number, enters = true): Promise<Stranger[]> {
  const elsewhere = new Elsewhere(world)
  const all = Array.from({ length: count }, (_, i) => elsewhere.user(`n${i}@there.example/r`))
  if (enters) for (const [i, one] of all.entries()) await one.sends(joinXml(`n${i}`))
  return all
}

const refusals = (...all: readonly (Stranger | Client)[]): number =>
  all.flatMap(({ unread }) => unread).filter(stanza => stanza !== 'end of stream' && stanza.attrs['type'] === 'error').length

function forget(crone: Client, others: readonly Stranger[]): void {
  for (const one of [crone, ...others]) one.forget()
}

const away = (i: number, text: string | number): string =>
  presence('', `<status>${text}</status>`).replace(/from="[^"]*"/, `to="${ROOM}/n${i}"`)

const small = (deliveries: number): StoryOptions => ({ settings: { muc: { newRooms: 'public', occupants: 10, deliveries } } })

story(
  'of presence a room passes on so much, whoever it is; who speaks does not notice',
  async world => {
    const [crone] = await coven(world)
    const others = await crowd(world, 9)
    await world.later(10_000)
    forget(crone, others)
    for (const [i, one] of others.entries()) for (let n = 0; n < 10; n++) await one.sends(away(i, n))
    assert.equal(heard(crone, 'presence').length, 20, 'two hundred were told')
    assert.equal(refusals(...others), 70)
    await says(crone, 'Peace')
    await world.later(10_000)
    forget(crone, others)
    await others[0]!.sends(away(0, 'again'))
    assert.equal(heard(crone, 'presence').length, 1)
  },
  small(200),
)

story(
  'a change of nicks is told twice to each, and costs as much',
  async world => {
    const [crone] = await coven(world)
    const others = await crowd(world, 9)
    await world.later(10_000)
    forget(crone, others)
    for (const [i, one] of others.entries()) for (const n of [1, 2]) await one.sends(`<presence to="${ROOM}/m${i}-${n}"/>`)
    assert.equal(heard(crone, 'presence').length, 20)
    assert.equal(refusals(...others), 8)
  },
  small(200),
)

story(
  'a full house may enter, and enter again after a restart; who comes and goes without end is bounded, but for who is affiliated',
  async world => {
    const [crone] = await coven(world)
    const others = await crowd(world, 9)
    assert.equal(roomIn(world).occupants.size, 10)
    await world.later(20_000)
    forget(crone, others)
    for (const [i, one] of others.entries()) await one.sends(joinXml(`n${i}`))
    assert.equal(refusals(...others), 0)
    for (let n = 0; n < 10; n++) {
      await others[0]!.sends(`<presence type="unavailable" to="${ROOM}/n0"/>`)
      await others[0]!.sends(joinXml('n0'))
    }
    assert.ok(refusals(others[0]!) >= 8, `${refusals(others[0]!)} were refused`)
    crone.forget()
    await crone.sends(joinXml('firstwitch'))
    assert.equal(refusals(crone), 0)
    await world.later(20_000)
    forget(crone, others)
    await others[0]!.sends(joinXml('n0'))
    assert.equal(refusals(others[0]!), 0)
    crone.forget()
  },
  small(100),
)

story(
  'to leave and to enter under other nicks gives nobody more presence',
  async world => {
    const [crone] = await coven(world)
    const [hag] = await crowd(world, 1, false)
    for (let n = 0; n < 20; n++) {
      await hag!.sends(joinXml(`hag${n}`))
      await hag!.sends(`<presence to="${ROOM}/hag${n}"><show>away</show></presence>`)
      await hag!.sends(`<presence type="unavailable" to="${ROOM}/hag${n}"/>`)
    }
    assert.ok(heard(crone, 'presence').length <= 15, 'ten, and those who leave')
  },
  { settings: { muc: { newRooms: 'public', presences: 10 } } },
)

/** How much they are told at most in one turn of the event loop, until that is done. */
async function atOnce(all: readonly Stranger[], work: Promise<unknown>): Promise<number> {
  const told = (): number => all.reduce((sum, { unread }) => sum + unread.length, 0)
  let [before, most, isOver] = [0, 0, false]
  const done = work.then(() => {
    isOver = true
  })
  for (; !isOver; await setImmediate()) {
    most = Math.max(most, told() - before)
    before = told()
  }
  await done
  return most
}

story(
  'many who speak at once in a room of some size, or leave it, do not keep all others waiting',
  async world => {
    const [crone] = await coven(world)
    const others = await crowd(world, 150)
    forget(crone, others)
    const spoken = await atOnce(others, Promise.all(others.map(one => one.sends(sayXml('Peace')))))
    assert.ok(spoken <= 1500, `${spoken} were told at once`)
    assert.deepEqual(new Set(others.map(({ unread }) => unread.length)), new Set([150]))
    forget(crone, others)
    const parting = others.map((one, i) => one.sends(`<presence type="unavailable" to="${ROOM}/n${i}"/>`))
    const left = await atOnce(others, Promise.all(parting))
    assert.ok(left <= 1500, `${left} were told at once`)
    assert.deepEqual(
      others.map(({ unread }) => unread.length),
      others.map((_, i) => i + 1),
    )
    assert.equal(roomIn(world).occupants.size, 1)
    forget(crone, others)
  },
  open,
)

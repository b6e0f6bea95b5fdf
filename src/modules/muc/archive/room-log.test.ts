import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { silentLog } from '../../../core/log.ts'
import { logMigrations, SharedLog } from '../../../core/shared-log.ts'
import { ROOM_LOG } from '../../../core/stores.ts'
import { openShredMemory } from '../../../seal/shred-store.ts'
import { openTestStore } from '../../../storage/test-store.ts'
import { parseElement } from '../../../xml/parser.ts'
import { Jid } from '../../../xmpp/jid.ts'
import type { Closure } from './closures.ts'
import { readHeader, writeHeader } from './header.ts'
import { type Author, RoomLog } from './room-log.ts'

const ROOM = Jid.parse('coven@conference.here.example')
const NOON = Date.UTC(2026, 0, 1, 12)
const HAG: Author = { nick: 'hag', jid: Jid.parse('hag66@shakespeare.lit/pda'), affiliation: 'member', role: 'participant' }
const WITCH: Author = { nick: 'witch', jid: Jid.parse('wiccarocks@shakespeare.lit/laptop'), affiliation: 'owner', role: 'moderator' }

const say = (body: string, more = '') =>
  parseElement(`<message type="groupchat" id="m-${body}"><body>${body}</body>${more}</message>`, undefined, 'jabber:client')
const correcting = (id: string): string => `<replace xmlns="urn:xmpp:message-correct:0" id="m-${id}"/>`

function told(
  title: string,
  tell: (log: RoomLog, again: () => RoomLog) => Promise<void>,
  limits = { messages: 100, bytes: 100_000 },
): void {
  test(title, async () => {
    const db = await openTestStore([{ owner: 'test', steps: logMigrations('test') }])
    const keys = { shred: openShredMemory() }
    const id = randomBytes(16)
    const again = (): RoomLog => {
      const shared = new SharedLog({ db, clock: { now: () => NOON, after: () => () => {} }, log: silentLog, keys }, 'test', ROOM_LOG)
      return new RoomLog(
        { jid: ROOM, id, closures: () => (closed === undefined ? [] : [closed]), isVeiled: () => false },
        shared,
        7,
        limits,
      )
    }
    try {
      await tell(again(), again)
    } finally {
      await db.close()
    }
  })
}

let closed: Closure | undefined

const bodies = async (log: RoomLog): Promise<string[]> =>
  (await log.latest(1000)).map(({ message }) => parseElement(message).elements()[0]!.text)

test('a header is what it was', () => {
  const header = {
    at: NOON,
    nick: 'hág',
    jid: String(HAG.jid),
    affiliation: 'outcast',
    role: 'visitor',
    closures: ['members'],
    isVeiled: false,
    id: 'm1',
    corrects: undefined,
  } as const
  assert.deepEqual(readHeader(writeHeader(header)), header)
  const other = {
    at: NOON,
    nick: '',
    jid: '',
    affiliation: 'none',
    role: 'none',
    closures: ['password'],
    isVeiled: true,
    id: '',
    corrects: randomBytes(8),
  } as const
  assert.deepEqual(readHeader(writeHeader(other)), other)
  assert.equal(readHeader(writeHeader({ ...header, id: 'x'.repeat(201) })).id, '')
})

told('what was said is there with who has said it, after a restart too', async (log, again) => {
  const ord = await log.add(say('one'), HAG, NOON)
  await log.add(say('two'), undefined, NOON + 1)
  const { header, message } = (await again().find(ord))!
  assert.deepEqual(
    [header.at, header.nick, header.jid, header.affiliation, header.role, header.id],
    [NOON, 'hag', 'hag66@shakespeare.lit/pda', 'member', 'participant', 'm-one'],
  )
  assert.equal(parseElement(message).child({ uri: 'jabber:client' } as never, 'body' as never)?.text, 'one')
  assert.deepEqual(await bodies(again()), ['one', 'two'])
  assert.equal((await again().latest(1))[0]!.header.nick, '')
})

told('times never fall, though a clock is put right', async log => {
  await log.add(say('one'), HAG, NOON)
  await log.add(say('two'), HAG, NOON - 5000)
  assert.deepEqual(
    (await log.latest(2)).map(({ header }) => header.at),
    [NOON, NOON],
  )
})

told(
  'XEP-0313 §3.2: the oldest make room, of messages',
  async (log, again) => {
    for (let i = 0; i < 17; i++) await log.add(say(String(i)), HAG, NOON + i)
    assert.deepEqual(await bodies(log), ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16'])
    const other = again()
    for (let i = 17; i < 19; i++) await other.add(say(String(i)), HAG, NOON + i)
    assert.equal((await bodies(other))[0], '4')
  },
  { messages: 16, bytes: 1_000_000 },
)

told(
  'and of bytes',
  async log => {
    for (let i = 0; i < 12; i++) await log.add(say(`${i}-${'x'.repeat(900)}`), HAG, NOON + i)
    const left = await bodies(log)
    assert.ok(left.length >= 3 && left.length <= 4, String(left.length))
    assert.match(left.at(-1)!, /^11-/)
  },
  { messages: 1000, bytes: 10_000 },
)

told('XEP-0308 §3: corrections are found that are by the same person and behind what they correct', async log => {
  await log.add(say('early', correcting('one')), HAG, NOON)
  const first = (await log.find(await log.add(say('one'), HAG, NOON)))!
  await log.add(say('forged', correcting('one')), WITCH, NOON)
  const second = await log.add(
    say('better', correcting('one')),
    { ...HAG, nick: 'other', jid: Jid.parse('hag66@shakespeare.lit/tv') },
    NOON,
  )
  const third = await log.add(say('best', correcting('one')), HAG, NOON)
  assert.deepEqual(await log.corrections(first, 100, 10), [second, third])
  assert.deepEqual(await log.corrections(first, 100, 1), [third])
  assert.deepEqual(await log.corrections(first, 2, 10), [second])
})

told('a message is found by the id that its author gave it, and not another one’s', async log => {
  await log.add(say('one'), HAG, NOON)
  const last = await log.add(say('one'), HAG, NOON)
  await log.add(say('one'), WITCH, NOON)
  assert.equal((await log.own('m-one', HAG.jid.bare, 10))?.ord, last)
  assert.equal(await log.own('m-one', HAG.jid.bare, 1), undefined)
  assert.equal(await log.own('', HAG.jid.bare, 10), undefined)
})

told('another message takes the place of one', async log => {
  const ord = await log.add(say('one'), HAG, NOON)
  const logged = (await log.find(ord))!
  assert.equal(await log.replace(logged, say('gone')), true)
  assert.deepEqual(await bodies(log), ['gone'])
  assert.equal((await log.find(ord))!.header.nick, 'hag')
})

for (const closure of ['members', 'password'] as const)
  told(`it is known up to where what was said was not for all, after a restart too: ${closure}`, async (log, again) => {
    assert.equal(await log.closedUntil(closure), 0)
    await log.add(say('open'), HAG, NOON)
    assert.equal(await log.closedUntil(closure), 0)
    closed = closure
    const last = await log.add(say('closed'), HAG, NOON)
    closed = undefined
    await log.add(say('open again'), HAG, NOON)
    for (const each of [log, again()]) {
      assert.equal(await each.closedUntil(closure), last)
      assert.equal(await each.closedUntil(closure === 'members' ? 'password' : 'members'), 0)
    }
  })

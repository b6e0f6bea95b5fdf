import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  count,
  describe,
  duration,
  either,
  flag,
  list,
  off,
  oneOf,
  optional,
  read,
  readSetting,
  SettingError,
  size,
  table,
  tableOf,
  text,
} from './settings.ts'

const shape = {
  most: count(1000, { min: 1, max: 5000 }, 'How many addresses one account may block.'),
  isOn: flag(true, 'Whether it is on.'),
  keep: duration('7d', 'How long.'),
  largest: size('256KiB', 'How large.', { min: 10_000 }),
  mode: oneOf(['invite', 'open', 'closed'], 'Who may join.'),
  names: list(text('', 'A name.'), ['a'], 'Names.'),
  note: optional(text('', 'A note.')),
}
const blocking = table(shape, 'Blocking.')

function problemsOf(value: unknown, setting = blocking as Parameters<typeof readSetting>[0]): readonly string[] {
  try {
    readSetting(setting, value, ['blocking'])
    return []
  } catch (error) {
    assert.ok(error instanceof SettingError)
    return error.problems
  }
}

test('what is not written has its usual value, in the unit of the program', () => {
  assert.deepEqual(readSetting(blocking, undefined), {
    most: 1000,
    isOn: true,
    keep: 604_800_000,
    largest: 262_144,
    mode: 'invite',
    names: ['a'],
  })
})

test('the types of the settings flow to whoever reads them', () => {
  const { most, mode, note }: { most: number; mode: 'invite' | 'open' | 'closed'; note: string | undefined } = readSetting(blocking, {
    note: 'x',
  })
  assert.deepEqual([most, mode, note], [1000, 'invite', 'x'])
})

test('an unknown setting is refused, and the known ones are named', () => {
  assert.deepEqual(problemsOf({ mots: 3 }), ['blocking.mots: is not a setting; there are: most, isOn, keep, largest, mode, names, note'])
  assert.deepEqual(problemsOf({ mots: 3 }, table({})), ['blocking.mots: is not a setting; there are none here'])
})

for (const [name, value, sentence] of [
  ['most', 0, 'must be a whole number from 1 to 5000'],
  ['most', 1.5, 'must be a whole number from 1 to 5000'],
  ['most', '3', 'must be a whole number from 1 to 5000'],
  ['isOn', 'yes', 'must be true or false'],
  ['keep', 7, 'must be a span of time such as "30s", "15m", "12h" or "7d"'],
  ['keep', '7 days', 'must be a span of time such as "30s", "15m", "12h" or "7d"'],
  ['largest', '1KiB', 'must be a size such as "512B", "64KiB" or "10MiB", at least 10000B'],
  ['mode', 'all', 'must be "invite" or "open" or "closed"'],
  ['names', 'a', 'must be a list'],
  ['note', '', 'must not be empty'],
] as const) {
  test(`${name} = ${JSON.stringify(value)}: ${sentence}`, () => {
    assert.deepEqual(problemsOf({ [name]: value }), [`blocking.${name}: ${sentence}`])
  })
}

test('every wrong setting is told, not only the first', () => {
  assert.equal(problemsOf({ most: 0, isOn: 1, other: 2 }).length, 3)
})

test('a path is written as TOML would have it', () => {
  const hosts = table({ host: tableOf(blocking, 'Hosts.') })
  assert.deepEqual(problemsOf({ host: { 'example.org': { most: 0 } } }, hosts), [
    'blocking.host."example.org".most: must be a whole number from 1 to 5000',
  ])
  assert.deepEqual(problemsOf({ names: ['a', 3] }), ['blocking.names.1: must be text'])
})

test('a table must be a table, and what has no usual value must be there', () => {
  assert.deepEqual(problemsOf(3), ['blocking: must be a table'])
  assert.deepEqual(problemsOf({}, table({ at: read(Number, 'a number', 'N.') })), ['blocking.at: is missing'])
})

test('a setting may be read by a function, or in one of two ways', () => {
  const even = read(value => (Number(value) % 2 === 0 ? Number(value) : undefined), 'an even number', 'E.')
  const setting = either<number | false>([even, off('')], false, 'E.')
  assert.equal(readSetting(setting, '4'), 4)
  assert.equal(readSetting(setting, undefined), false)
  assert.deepEqual(problemsOf('3', even), ['blocking: must be an even number'])
  assert.deepEqual(problemsOf('3', setting), ['blocking: must be an even number'])
  assert.deepEqual(problemsOf({}, setting), ['blocking: must be an even number, or false'])
})

test('names that objects have from birth are no settings', () => {
  assert.deepEqual(problemsOf(JSON.parse('{"__proto__": {"most": 1}}')).length, 1)
  assert.equal(problemsOf({ constructor: 1 }).length, 1)
})

test('a shape describes itself', () => {
  const described = describe({ blocking })
  assert.deepEqual(described[0], { path: 'blocking', type: 'table', usual: '', text: 'Blocking.' })
  assert.deepEqual(described[1], {
    path: 'blocking.most',
    type: 'whole number from 1 to 5000',
    usual: '1000',
    text: 'How many addresses one account may block.',
  })
  assert.deepEqual(described[3], { path: 'blocking.keep', type: 'span of time', usual: '"7d"', text: 'How long.' })
})

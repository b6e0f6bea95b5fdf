import { readLabel } from '../../lib/domain-label.ts'
import { count, duration, flag, oneOf, optional, read, size, type Table } from '../../lib/settings.ts'

export const settings = {
  enabled: flag(true, 'There is such a service; without it, another one can have its address, such as a component.'),
  name: optional(read(readLabel, 'a name such as "conference"', 'The service is at this name below the domain, instead of conference.')),
  create: oneOf(['users', 'nobody'], 'Who may make rooms: the users of this domain, or nobody.'),
  newRooms: oneOf(
    ['private', 'public'],
    'How a room is before its owner says otherwise: hidden and for members, with an archive that is sealed; or for everybody, without one.',
  ),
  rooms: count(2000, { min: 1, max: 1_000_000 }, 'How many rooms there may be.'),
  roomsPerUser: count(50, { min: 1, max: 10_000 }, 'How many rooms each may make.'),
  occupants: count(2000, { min: 2, max: 100_000 }, 'How many may be in a room at a time.'),
  clients: count(10, { min: 1, max: 100_000 }, 'With how many clients somebody may be in a room at a time, under one nick or several.'),
  visits: count(500, { min: 1, max: 100_000 }, 'In how many rooms somebody may be at a time, counted for each of his clients.'),
  history: count(20, { min: 0, max: 20 }, 'How many messages of a room are kept in memory, for those who enter.'),
  historyBytes: size('64KiB', 'How large these may be together.', { min: 1024 }),
  joins: count(300, { min: 1 }, 'How often in a minute somebody may enter rooms.'),
  nicks: count(10, { min: 1 }, 'How often in a minute somebody may change his nick.'),
  presences: count(60, { min: 1 }, 'How often in a minute somebody may say something new of his presence in a room.'),
  requests: count(120, { min: 1 }, 'How often in a minute a client may ask something of others through a room.'),
  changes: count(120, { min: 1 }, 'How often in a minute somebody may change who may do what in rooms, how they are, or invite to them.'),
  affiliations: count(5000, { min: 1, max: 100_000 }, 'How many members, admins, owners and outcasts a room may have together.'),
  messages: count(40, { min: 1 }, 'How many messages somebody may send to rooms in ten seconds.'),
  deliveries: count(
    100_000,
    { min: 1 },
    'To how many clients a room passes on messages in ten seconds, each of them counted; and of presence as much again.',
  ),
  keep: oneOf(
    ['7d', '1d', '30d'],
    'How long what is said is kept in rooms that have an archive: sealed, but for the running server, so that members of other servers can read it too.',
  ),
  archived: count(20_000, { min: 100, max: 1_000_000 }, 'How many messages of a room are kept; the oldest make room.'),
  archiveBytes: size('50MiB', 'How large they may be together.', { min: 1_048_576 }),
  page: count(100, { min: 10, max: 200 }, 'How many messages of an archive somebody gets at once.'),
  queries: count(300, { min: 10 }, 'How often in a minute somebody may ask rooms for what was said.'),
  searches: count(30, { min: 1 }, 'How often in a minute somebody may search for rooms.'),
  card: size('128KiB', 'How large the card of a room may be, with its avatar.', { min: 1024 }),
  quiet: duration('10m', 'After how long a silence somebody of another server is asked whether he is still there.'),
  message: size('64KiB', 'How large a message to a room may be.', { min: 1024 }),
  presence: size('2KiB', 'How large a presence to a room may be: who enters is shown those of all.', { min: 512 }),
  subject: size('4KiB', 'How large the subject of a room may be.', { min: 64 }),
} as const

export type MucSettings = Table<typeof settings>

/** What the server stores, for its users: made of the inventory that the search for canaries holds the server to. */
import { readFileSync } from 'node:fs'
import { migrations as coreMigrations } from './core/account-store.ts'
import type { Module } from './core/module.ts'
import { tableOf } from './markdown.ts'
import type { Migration } from './storage/db.ts'

/** One line of test/canary/inventory.json, where they are explained. */
interface Known {
  readonly datum: string
  readonly place: string | readonly string[]
  readonly class?: 'A1' | 'A2' | 'B' | 'C'
  readonly lifetime?: string
  readonly reason: string
}

/** What stands in these is about the server, not about an account. */
const OF_THE_SERVER = new Set(['host_secret', 'schema_version', 'doomed_secret'])
/** What stands in these is about a room; whose that is can be told by other tables. */
const OF_ROOMS = /^muc_(?!room|affiliation)/

export const readInventory = (): readonly Known[] =>
  JSON.parse(readFileSync(new URL('../test/canary/inventory.json', import.meta.url), 'utf8'))

/** The page, in Markdown. Throws if a column stands in no table of a module. */
export function whatWeStore(lines: readonly Known[], modules: readonly Module[]): string {
  const stored = (readable: Known['class']): readonly Known[] =>
    lines.filter(line => line.class === readable && placesOf(line).some(place => isColumn(place)))
  const at = (place: string): readonly Known[] => lines.filter(line => placesOf(line).includes(place))
  return [
    '# What the server stores',
    `This list is complete. A test lives a day on a server, in which every datum is a text that occurs nowhere else, and then searches
all that the server has written: what is found and does not stand here makes it fail, and so does what stands here and is not found
(\`npm run privacy\`). What sealing protects from, and what it does not, is in [security.md](security.md).`,
    '## For you alone, and for a limited time',
    `Messages. They are locked with a key that only your login opens, and with secrets that the server destroys when their time is over:
the secret of a day, or of an hour if you chose one day, and one of your own, which it destroys when you delete your archive or your
account. After that nobody can open them: not you, not the operator, not who has an old copy of the disk.`,
    table(stored('A1')),
    '## For you alone',
    'Locked with the key that only your login opens. If you lose your password and have no recovery code, it is lost.',
    table(stored('A2')),
    '## For the server that runs, and for nobody who has only the database',
    'What the server must know while you are away. It is locked with secrets that lie in a folder of their own, and in no backup.',
    table(stored('B')),
    '## For whoever has the disk',
    'This is not sealed. An operator, and whoever takes the disk or a backup, can read it.',
    table(stored('C')),
    `Of what is sealed, too, they can tell that it is there, whose it is, on which day it came, and how large it is in steps: of
messages most have the same size.`,
    '## For some seconds',
    table(at('remains')),
    '## What goes out',
    'To find another server, DNS is asked for the domain of whoever is written to, and that server is told what it needs.',
    table(at('dns')),
    '## Nowhere',
    `Not on the disk, not in the log, not in the list of processes, not in DNS; in no encoding that the test knows. The log has numbers
and fixed words.`,
    tableOf(
      ['what', 'why it need not be'],
      at('nowhere').map(({ datum, reason }) => [datum, reason]),
    ),
    '## What an answer to an order could contain',
    `Whoever can order the operator to give out what is stored of an account, or takes it, gets this, and with it boxes that he cannot
open. A test makes the answer from the database of that day, and compares.`,
    answerable(lines)
      .map(datum => `- ${datum}`)
      .join('\n'),
    '## Where it stands',
    'Every column of every table, by the module it belongs to.',
    columns(lines, modules),
  ].join('\n\n')
}

/** What can be told of an account without opening anything. */
export function answerable(lines: readonly Known[]): string[] {
  const isOfAccounts = (place: string): boolean => isColumn(place) && !OF_THE_SERVER.has(tableIn(place)) && !OF_ROOMS.test(tableIn(place))
  return [...new Set(lines.filter(line => line.class === 'C' && placesOf(line).some(isOfAccounts)).map(({ datum }) => datum))].sort()
}

/** Lines that differ in nothing but what they are about stand together. */
function table(lines: readonly Known[]): string {
  const alike = Map.groupBy(lines, ({ lifetime, reason }) => `${lifetime}\0${reason}`)
  const rows = [...alike.values()].map(group => {
    const { lifetime = '', reason } = group[0]!
    return [group.map(({ datum }) => datum).join('; '), lifetime, reason]
  })
  return tableOf(['what', 'how long', 'why'], rows)
}

function columns(lines: readonly Known[], modules: readonly Module[]): string {
  const owners = new Map(
    [{ name: 'core', migrations: coreMigrations }, ...modules].flatMap(({ name, migrations = [] }) =>
      tablesOf(migrations).map(made => [made, name] as const),
    ),
  )
  owners.set('schema_version', 'core')
  const places = lines.flatMap(line => placesOf(line).map(place => ({ ...line, place }))).filter(({ place }) => isColumn(place))
  const rows = [...Map.groupBy(places, ({ place }) => place)].map(([place, known]) => {
    const owner = owners.get(tableIn(place))
    if (owner === undefined) throw new Error(`${place} stands in no table of a module`)
    return [owner, `\`${place}\``, known.map(({ datum, class: readable }) => `${datum} (${readable})`).join('; ')]
  })
  const inOrder = rows.sort(([, one = ''], [, other = '']) => (one < other ? -1 : 1))
  return tableOf(['module', 'column', 'what, and its class'], inOrder)
}

const NO_DIALECT = { identity: '', bytes: '', withoutRowid: '' }

const tablesOf = (migrations: readonly Migration[]): string[] =>
  migrations.flatMap(step => [...step(NO_DIALECT).matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g)].map(match => match[1]!))

const placesOf = ({ place }: Known): readonly string[] => [place].flat()
const isColumn = (place: string): boolean => /^\w+\.\w+$/.test(place) && !place.endsWith('.toml')
const tableIn = (place: string): string => place.split('.')[0]!

/** What can be read of a data folder by one who has it, and what else was taken or told: with this project's own code. */
import { pbkdf2Sync } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { messageAt, placesIn } from '../../src/core/sealed-log/batch.ts'
import { indexIn, ORDS } from '../../src/core/sealed-log/tables.ts'
import { ARCHIVE, ROW_SECRET, SPOOL } from '../../src/core/stores.ts'
import { credentialFromSaltedPassword } from '../../src/sasl/credential.ts'
import { DIGESTS, HASH_SIZES, type ScramHash } from '../../src/sasl/scram-hash.ts'
import type { SealedAccount } from '../../src/seal/account.ts'
import { openFormerKey } from '../../src/seal/former-key.ts'
import { hkdf } from '../../src/seal/hkdf.ts'
import { openItem } from '../../src/seal/item.ts'
import type { PrivateKey } from '../../src/seal/private-key.ts'
import type { RetentionClass } from '../../src/seal/retention.ts'
import { openRow } from '../../src/seal/row.ts'
import { SECRET_SIZE, SegmentOpener } from '../../src/seal/segment.ts'
import { blindTag, openForServer } from '../../src/seal/server-box.ts'
import type { ShredStore } from '../../src/seal/shred-store.ts'
import { credentialInfo, unwrapKey } from '../../src/seal/wrap.ts'

/** What somebody has got. */
export interface Loot {
  /** The file of a domain; it is opened as it is, with the write-ahead log that lies beside it. */
  readonly database: string
  /** Passwords that somebody may know, whosever they are. */
  readonly passwords?: readonly string[]
  /** Opened out of a copy of its files. */
  readonly shred?: ShredStore
  /** Addresses that somebody may guess. */
  readonly guesses?: readonly string[]
}

/** Something that was sealed. */
export interface Opened {
  /** `table.column`. */
  readonly place: string
  readonly account: string
  /** Of the account, in the rows of what is kept for it. */
  readonly number: number
  /** Of a message: its place in the account's log. */
  readonly ord?: number
  readonly plain: Buffer
}

type Row = Record<string, string | bigint | Uint8Array | null>

interface Victim {
  readonly name: string
  /** Of the account, in the rows of what is kept for it. */
  readonly number: number
  readonly id: Buffer
  /** Those that open, by generation. */
  readonly keys: ReadonlyMap<number, PrivateKey>
}

/** All that opens. */
export function open(loot: Loot): Opened[] {
  using db = new DatabaseSync(loot.database, { readOnly: true })
  const all: All = (text, ...values) => ask(db, text, values)
  const victims = accountsOf(all).map(row => ({
    name: row['name'] as string,
    number: Number(row['number']),
    id: bytesOf(row['seal_id']),
    keys: keysOf(all, row, loot.passwords ?? []),
  }))
  return victims.flatMap(victim => WAYS.flatMap(way => way(all, victim, loot)))
}

/** A place is larger than numbers are exact. */
function ask(db: DatabaseSync, text: string, values: readonly (string | number)[]): Row[] {
  const statement = db.prepare(text)
  statement.setReadBigInts(true)
  return statement.all(...values) as Row[]
}

type All = (text: string, ...values: (string | number)[]) => Row[]

/** How to open what there is: one for each kind of table. */
const WAYS: readonly ((all: All, victim: Victim, loot: Loot) => Opened[])[] = [
  openDocuments,
  openRows,
  openArchive,
  openSpool,
  readNotes,
  guessTags,
]

function openDocuments(all: All, { name, number, id, keys }: Victim): Opened[] {
  const rows = all('SELECT store, generation, box FROM sealed_document WHERE account = ?', name)
  return rows.flatMap(({ store, generation, box }) => {
    const key = keys.get(Number(generation))
    if (key === undefined) return []
    const plain = attempt(() => openItem(key, sealedBy(key, id, Number(generation)), Number(store), 0, bytesOf(box)))
    return plain === undefined ? [] : [{ place: 'sealed_document.box', account: name, number, plain }]
  })
}

/** Under a secret of the account, which is sealed to its key. */
function openRows(all: All, { name, number, id, keys }: Victim): Opened[] {
  const secrets = all('SELECT generation, box FROM sealed_secret WHERE account = ?', name)
  return secrets.flatMap(({ generation, box }) => {
    const key = keys.get(Number(generation))
    const by = key && sealedBy(key, id, Number(generation))
    const secret = key && by && attempt(() => openItem(key, by, ROW_SECRET, 0, bytesOf(box)))
    if (by === undefined || secret === undefined) return []
    const rows = all('SELECT store, part, number, box FROM sealed_row WHERE account = ? AND generation = ?', name, Number(generation))
    return rows.flatMap(row => {
      const place = { store: Number(row['store']), part: Number(row['part']), number: Number(row['number']) }
      const plain = attempt(() => openRow(secret, by, place, bytesOf(row['box'])))
      return plain === undefined ? [] : [{ place: 'sealed_row.box', account: name, number, plain }]
    })
  })
}

function openArchive(all: All, victim: Victim, { shred }: Loot): Opened[] {
  return openLog(all, victim, 'archive', ARCHIVE, shred, shred?.account(victim.id)?.archive)
}

function openSpool(all: All, victim: Victim, { shred }: Loot): Opened[] {
  const root = shred?.account(victim.id)?.server
  return openLog(all, victim, 'spool', SPOOL, shred, root && hkdf('sha256', root, Buffer.alloc(0), 'CXZ-SEAL-1 spool', SECRET_SIZE))
}

/** Class B: what the server must know of messages that wait. */
function readNotes(all: All, { name, number, id }: Victim, { shred }: Loot): Opened[] {
  const secret = shred?.account(id)?.server
  if (secret === undefined) return []
  return rowsOf(all, 'spool', number).flatMap(({ ord, note }) => {
    const plain = attempt(() => openForServer(secret, `note ${SPOOL} ${ord}`, bytesOf(note)))
    return plain === undefined ? [] : [{ place: 'spool_message.note', account: name, number, ord: Number(ord), plain }]
  })
}

/** Class A1: the messages of one log, with the secret of the account that it dies with. */
function openLog(all: All, victim: Victim, prefix: string, store: number, shred?: ShredStore, secret?: Buffer): Opened[] {
  const { name, number, id, keys } = victim
  if (shred === undefined || secret === undefined) return []
  const segments = all(`SELECT seg, generation, class, period, enc FROM ${prefix}_segment WHERE account_no = ?`, number)
  const rows = Map.groupBy(rowsOf(all, prefix, number), ({ seg }) => Number(seg))
  return segments.flatMap(row => {
    const [seg, generation, cls, period] = ['seg', 'generation', 'class', 'period'].map(column => Number(row[column])) as [
      number,
      number,
      number,
      number,
    ]
    const key = keys.get(generation)
    const periodSecret = shred.period(cls as RetentionClass, period)
    if (key === undefined || periodSecret === undefined) return []
    const address = { account: sealedBy(key, id, generation), store, segment: seg, class: cls, period }
    const opener = attempt(() => new SegmentOpener(address, bytesOf(row['enc']), key, periodSecret, secret))
    return (rows.get(seg) ?? []).flatMap(message => {
      const ord = Number(message['ord'])
      return (['header', 'body'] as const).flatMap(part => {
        const plain = attempt(() => opener?.[part](indexIn(seg, ord), ord, bytesOf(message[part])))
        return plain === undefined ? [] : [{ place: `${prefix}_message.${part}`, account: name, number, ord, plain }]
      })
    })
  })
}

/** A row's place is the account's slot, and the ord in it. */
/** Of one account: what stands in the table, and what is on its way there. */
function rowsOf(all: All, prefix: string, number: number): Row[] {
  const filed = all(
    `SELECT place % ${ORDS} AS ord, ${prefix}_message.* FROM ${prefix}_message, ${prefix}_extent
    WHERE account_no = ? AND place / ${ORDS} = slot`,
    number,
  )
  const known = new Set(filed.map(({ ord }) => Number(ord)))
  const unfiled = all(`SELECT messages FROM ${prefix}_unfiled`).flatMap(({ messages }) => {
    const batch = bytesOf(messages)
    const own = placesIn(batch).filter(place => place.number === number && !known.has(place.ord))
    return own.map(({ at }) => ({ ...messageAt(batch, at) }) as unknown as Row)
  })
  return [...filed, ...unfiled]
}

/** Class B: whoever has the secrets can try whether an address is in a list. */
function guessTags(all: All, { name, number, id }: Victim, { shred, guesses = [] }: Loot): Opened[] {
  const secret = shred?.account(id)?.server
  if (secret === undefined) return []
  return TAGGED.flatMap(({ table, column, context }) =>
    all(`SELECT ${column} FROM ${table} WHERE account = ?`, name).flatMap(row => {
      const tags = bytesOf(row[column]).toString('latin1')
      const known = guesses.filter(guess => tags.includes(blindTag(secret, context, guess).toString('latin1')))
      return known.map(guess => ({ place: `${table}.${column}`, account: name, number, plain: Buffer.from(guess) }))
    }),
  )
}

const TAGGED = [
  { table: 'archive_preference', column: 'always', context: 'archive' },
  { table: 'archive_preference', column: 'never', context: 'archive' },
]

/** A lock of an account's key that one of the passwords opens. */
export interface Lock {
  readonly account: string
  readonly hash: string
  readonly clientKey: Buffer
  readonly wrap: Buffer
  /** What the key of the lock is bound to. */
  readonly info: Buffer
  readonly key: PrivateKey
}

export function locksOf(loot: Loot): Lock[] {
  using db = new DatabaseSync(loot.database, { readOnly: true })
  const all: All = (text, ...values) => ask(db, text, values)
  return accountsOf(all).flatMap(account => openLocks(all, account, loot.passwords ?? []))
}

function openLocks(all: All, account: Row, passwords: readonly string[]): Lock[] {
  const name = account['name'] as string
  const now = identityOf(account)
  const rows = all('SELECT hash, salt, iterations, wrap FROM credential WHERE account = ? AND wrap IS NOT NULL', name)
  return rows.flatMap(row => {
    const hash = row['hash'] as ScramHash
    const wrap = bytesOf(row['wrap'])
    return passwords.flatMap(password => {
      const clientKey = clientKeyOf(hash, password, bytesOf(row['salt']), Number(row['iterations']))
      const key = attempt(() => unwrapKey(hash, clientKey, wrap, now))
      return key === undefined ? [] : [{ account: name, hash, clientKey, wrap, info: credentialInfo(hash, now), key }]
    })
  })
}

/** Out of every lock that one of the passwords opens, and out of what is locked in those keys. */
function keysOf(all: All, account: Row, passwords: readonly string[]): Map<number, PrivateKey> {
  const name = account['name'] as string
  const now = identityOf(account)
  const keys = new Map(openLocks(all, account, passwords).map(({ key }) => [now.generation, key]))
  const locked = all(`SELECT generation, opener, box FROM account_key WHERE account = ? AND kind = 'former' ORDER BY opener DESC`, name)
  for (const { generation, opener, box } of locked) {
    const key = keys.get(Number(opener))
    if (key === undefined) continue
    const former = attempt(() => openFormerKey(key, sealedBy(key, now.id, Number(opener)), Number(generation), bytesOf(box)))
    if (former !== undefined) keys.set(Number(generation), former)
  }
  return keys
}

const accountsOf = (all: All): Row[] => all('SELECT name, number, seal_id, generation, public_key FROM account WHERE seal_id IS NOT NULL')

const identityOf = (row: Row): SealedAccount => ({
  id: bytesOf(row['seal_id']),
  generation: Number(row['generation']),
  publicKey: bytesOf(row['public_key']),
})

const known = new Map<string, Buffer>()

function clientKeyOf(hash: ScramHash, password: string, salt: Buffer, iterations: number): Buffer {
  const what = JSON.stringify([hash, password, salt.toString('hex'), iterations])
  const before = known.get(what)
  if (before !== undefined) return before
  const salted = pbkdf2Sync(password, salt, iterations, HASH_SIZES[hash], DIGESTS[hash])
  const { clientKey } = credentialFromSaltedPassword(hash, salted, salt, iterations)
  known.set(what, clientKey.bytes)
  return clientKey.bytes
}

const sealedBy = (key: PrivateKey, id: Buffer, generation: number): SealedAccount => ({ id, generation, publicKey: key.publicKey })

const bytesOf = (value: Row[string] | undefined): Buffer => Buffer.from(value as Uint8Array)

/** What does not open gives nothing. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

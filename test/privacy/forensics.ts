/** What can be read of a data folder by one who has it, and what else was taken or told: with this project's own code. */
import { pbkdf2Sync } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { credentialFromSaltedPassword } from '../../src/sasl/credential.ts'
import { DIGESTS, HASH_SIZES, type ScramHash } from '../../src/sasl/scram-hash.ts'
import type { SealedAccount } from '../../src/seal/account.ts'
import { openFormerKey } from '../../src/seal/former-key.ts'
import { openItem } from '../../src/seal/item.ts'
import type { PrivateKey } from '../../src/seal/private-key.ts'
import { unwrapKey } from '../../src/seal/wrap.ts'

/** What somebody has got. */
export interface Loot {
  /** The file of a domain; it is opened as it is, with the write-ahead log that lies beside it. */
  readonly database: string
  /** Passwords that somebody may know, whosever they are. */
  readonly passwords?: readonly string[]
}

/** Something that was sealed. */
export interface Opened {
  /** `table.column`. */
  readonly place: string
  readonly account: string
  readonly plain: Buffer
}

type Row = Record<string, string | number | Uint8Array | null>

interface Victim {
  readonly name: string
  readonly id: Buffer
  /** Those that open, by generation. */
  readonly keys: ReadonlyMap<number, PrivateKey>
}

/** All that opens. */
export function open(loot: Loot): Opened[] {
  using db = new DatabaseSync(loot.database, { readOnly: true })
  const all = (text: string, ...values: (string | number)[]): Row[] => db.prepare(text).all(...values) as Row[]
  const victims = all('SELECT name, seal_id, generation, public_key FROM account WHERE seal_id IS NOT NULL').map(row => ({
    name: row['name'] as string,
    id: bytesOf(row['seal_id']),
    keys: keysOf(all, row, loot.passwords ?? []),
  }))
  return victims.flatMap(victim => WAYS.flatMap(way => way(all, victim)))
}

type All = (text: string, ...values: (string | number)[]) => Row[]

/** How to open what there is: one for each kind of table. */
const WAYS: readonly ((all: All, victim: Victim) => Opened[])[] = [openDocuments]

function openDocuments(all: All, { name, id, keys }: Victim): Opened[] {
  const rows = all('SELECT store, generation, box FROM sealed_document WHERE account = ?', name)
  return rows.flatMap(({ store, generation, box }) => {
    const key = keys.get(Number(generation))
    if (key === undefined) return []
    const plain = attempt(() => openItem(key, sealedBy(key, id, Number(generation)), Number(store), 0, bytesOf(box)))
    return plain === undefined ? [] : [{ place: 'sealed_document.box', account: name, plain }]
  })
}

/** Out of every lock that one of the passwords opens, and out of what is locked in those keys. */
function keysOf(all: All, account: Row, passwords: readonly string[]): Map<number, PrivateKey> {
  const name = account['name'] as string
  const now = { id: bytesOf(account['seal_id']), generation: Number(account['generation']), publicKey: bytesOf(account['public_key']) }
  const keys = new Map<number, PrivateKey>()
  for (const { hash, salt, iterations, wrap } of all('SELECT hash, salt, iterations, wrap FROM credential WHERE account = ?', name)) {
    if (wrap === null) continue
    for (const password of passwords) {
      const clientKey = clientKeyOf(hash as ScramHash, password, bytesOf(salt), Number(iterations))
      const key = attempt(() => unwrapKey(hash as ScramHash, clientKey, bytesOf(wrap), now))
      if (key !== undefined) keys.set(now.generation, key)
    }
  }
  const locked = all(`SELECT generation, opener, box FROM account_key WHERE account = ? AND kind = 'former' ORDER BY opener DESC`, name)
  for (const { generation, opener, box } of locked) {
    const key = keys.get(Number(opener))
    if (key === undefined) continue
    const former = attempt(() => openFormerKey(key, sealedBy(key, now.id, Number(opener)), Number(generation), bytesOf(box)))
    if (former !== undefined) keys.set(Number(generation), former)
  }
  return keys
}

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

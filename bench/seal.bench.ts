// How long sealing and opening take, in CPU time: `bin/with-node bench/seal.bench.ts`.

import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArchiveIds } from '../src/seal/archive-id.ts'
import { hashedToken, openFast, sealFast } from '../src/seal/fast.ts'
import { setupRecipient, setupSender } from '../src/seal/hpke.ts'
import { openItem, sealItem } from '../src/seal/item.ts'
import { PrivateKey } from '../src/seal/private-key.ts'
import { SegmentOpener, SegmentSealer } from '../src/seal/segment.ts'
import { blindTag, openForServer, sealForServer } from '../src/seal/server-box.ts'
import { openShredFile } from '../src/seal/shred-store.ts'
import { unwrapKey, wrapKey } from '../src/seal/wrap.ts'

const random = (size: number): Buffer => randomFillSync(Buffer.alloc(size))
const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Prints the median of five rounds, in µs of CPU for one. */
function measure(what: string, count: number, work: (i: number) => void): void {
  const rounds = Array.from({ length: 6 }, (_, round) => {
    const before = cpu()
    for (let i = 0; i < count; i++) work(round * count + i)
    return (cpu() - before) / count
  }).slice(1)
  console.log(
    `${what.padEnd(48)}${rounds
      .sort((a, b) => a - b)[2]!
      .toFixed(1)
      .padStart(8)} µs`,
  )
}

const key = PrivateKey.generate()
const account = { id: random(16), generation: 1, publicKey: key.publicKey }
const [clientKey, day, archive, server] = [random(32), random(32), random(32), random(32)]
const info = random(40)
const aad = random(8)
const text = random(512)

measure('key pair', 500, () => void PrivateKey.generate().publicKey)
measure('HPKE, single shot, seal 512 B', 500, () => {
  const { context } = setupSender(key.publicKey, info)
  context.seal(0, aad, text)
  context.wipe()
})
const { enc, context } = setupSender(key.publicKey, info)
const box = context.seal(0, aad, text)
measure('HPKE, single shot, open 512 B', 500, () => void setupRecipient(enc, key, info).open(0, aad, box))
measure('HPKE, context, seal 512 B', 20_000, i => void context.seal(i, aad, text))
measure('HPKE, context, open 512 B', 20_000, () => void context.open(0, aad, box))

const wrap = wrapKey('SHA-256', clientKey, key, account)
measure('wrap', 2000, () => void wrapKey('SHA-256', clientKey, key, account))
measure('unwrap, public key known', 2000, () => unwrapKey('SHA-256', clientKey, wrap, account, { isUnchecked: true }).wipe())
measure('unwrap, public key compared', 1000, () => unwrapKey('SHA-256', clientKey, wrap, account).wipe())

const address = { account, store: 1, segment: 1, class: 7, period: 20_700 }
const sealer = new SegmentSealer(address, day, archive)
const opener = new SegmentOpener(address, sealer.enc, key, day, archive)
const header = random(100)
const body = random(1200)
const boxes = sealer.seal(0, 7, header, body)
measure('segment, begin', 500, () => new SegmentSealer(address, day, archive).wipe())
measure('segment, open', 500, () => new SegmentOpener(address, sealer.enc, key, day, archive).wipe())
measure('message of 1.2 kB, seal header and body', 10_000, i => void sealer.seal(i + 1, i, header, body))
measure('message of 1.2 kB, open header and body', 10_000, () => {
  opener.header(0, 7, boxes.header)
  opener.body(0, 7, boxes.body)
})
measure('page: 50 messages of 1.2 kB in 8 segments', 20, () => {
  for (let i = 0; i < 50; i++) {
    const opener = i % 7 === 0 ? new SegmentOpener(address, sealer.enc, key, day, archive) : undefined
    opener?.header(0, 7, boxes.header)
    opener?.body(0, 7, boxes.body)
  }
})

const item = sealItem(account, 1, 1, text)
measure('item of 512 B, seal', 500, () => void sealItem(account, 1, 1, text))
measure('item of 512 B, open', 500, () => void openItem(key, account, 1, 1, item))
const serverBox = sealForServer(server, 'push', text)
measure('server box of 512 B, seal', 2000, () => void sealForServer(server, 'push', text))
measure('server box of 512 B, open', 2000, () => void openForServer(server, 'push', serverBox))
measure('blind tag', 2000, () => void blindTag(server, 'roster', 'romeo@montague.example'))
const ids = new ArchiveIds(random(32))
const id = ids.encode(1001, 7)
measure('archive id, there and back', 10_000, i => void ids.decode(1001, i % 2 === 0 ? id : ids.encode(1001, i)))
const token = random(32)
const proof = hashedToken(token, 'Initiator', day)
const record = sealFast('HT-SHA-256-ENDP', token, proof, key, account)
measure('FAST token, lock', 1000, () => void sealFast('HT-SHA-256-ENDP', token, proof, key, account))
measure('FAST token, open, public key known', 1000, () => {
  openFast('HT-SHA-256-ENDP', proof, record, account, { isUnchecked: true }).key.wipe()
})

const folder = mkdtempSync(join(tmpdir(), 'seal-'))
const path = join(folder, 'shred')
const ACCOUNTS = 100_000
const now = Date.now()

async function time<T>(what: string, work: () => Promise<T>): Promise<T> {
  const before = cpu()
  const began = performance.now()
  const value = await work()
  console.log(
    `${what.padEnd(48)}${((cpu() - before) / 1000).toFixed(0).padStart(8)} ms, ${(performance.now() - began).toFixed(0)} ms on the clock`,
  )
  return value
}

const accounts = Array.from({ length: ACCOUNTS }, () => random(16))
let store = await openShredFile(path)
await store.expire(now)
await time('shred store: 100,000 new accounts at once', () => Promise.all(accounts.map(id => store.makeAccount(id))))
await time('shred store: one new account', () => store.makeAccount(random(16)))
await time('shred store: one new secret of an account', () => store.replaceAccount(accounts[0]!))
await time('shred store: a new day, all encrypted anew', () => store.expire(now + 86_400_000))
await store.close()
store = await time('shred store: open 100,000 accounts', () => openShredFile(path))
measure('shred store: secrets of an account', 100_000, i => void store.account(accounts[i % ACCOUNTS]!))
await store.makePeriod(7, Math.floor(now / 86_400_000))
measure('shred store: secret of a period', 100_000, () => void store.period(7, Math.floor(now / 86_400_000)))
await store.close()
rmSync(folder, { recursive: true })

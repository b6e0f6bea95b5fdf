/**
 * For tests: a process that has held every kind of secret and has wiped them all. It says which they were, with every bit turned, so
 * that it does not hold them for saying so; then it waits for somebody to look through its memory, twice.
 */
import { randomFillSync } from 'node:crypto'
import { hashedToken, openFast, sealFast } from './fast.ts'
import { openFormerKey, sealFormerKey } from './former-key.ts'
import { openItem, sealItem } from './item.ts'
import { openLimited, sealLimited } from './limited-box.ts'
import { PrivateKey } from './private-key.ts'
import { newRecoveryCode, recoveryVerifier } from './recovery.ts'
import { SegmentOpener, SegmentSealer } from './segment.ts'
import { blindTag, openForServer, sealForServer } from './server-box.ts'
import { openShredMemory } from './shred-store.ts'
import { unwrapKey, wrapKey } from './wrap.ts'

const now = Date.UTC(2026, 7, 18)
const random = (size: number): Buffer => randomFillSync(Buffer.alloc(size))
const secrets: Record<string, string> = {}
/** What anybody may see, by which what was derived can be derived again. */
const sealed: Record<string, string> = {}

function remember(name: string, secret: Buffer): Buffer {
  const turned = Buffer.alloc(secret.length)
  for (let i = 0; i < secret.length; i++) turned[i] = ~secret[i]!
  secrets[name] = turned.toString('hex')
  return secret
}

function show(name: string, blob: Buffer): Buffer {
  sealed[name] = blob.toString('hex')
  return blob
}

async function live(): Promise<void> {
  const store = openShredMemory()
  const id = random(16)
  await store.makeAccount(id)
  const period = remember('the secret of the day', await store.makePeriod(7, now / 86_400_000))
  const { archive, server } = store.account(id)!
  remember('S_acct', archive)
  remember('B_acct', server)

  const key = PrivateKey.generate()
  remember('the private key', key.bytes)
  show('id', id)
  const account = { id, generation: 1, publicKey: key.publicKey }
  const clientKey = remember('ClientKey', random(32))
  const opened = unwrapKey('SHA-256', clientKey, show('wrap', wrapKey('SHA-256', clientKey, key, account)), account)

  const body = remember('a body', random(300))
  const address = { account, store: 1, segment: 1, class: 7, period: now / 86_400_000 }
  const sealer = new SegmentSealer(address, period, archive)
  show('segment', sealer.enc)
  const box = sealer.seal(0, 1, Buffer.alloc(0), body).body
  const opener = new SegmentOpener(address, sealer.enc, opened, period, archive)
  opener.body(0, 1, box).fill(0)
  openItem(opened, account, 1, 1, show('item', sealItem(account, 1, 1, body))).fill(0)
  openForServer(server, 'test', show('box', sealForServer(server, 'test', body))).fill(0)
  const limited = { owner: id, store: 1, class: 7, period: now / 86_400_000, ord: 1, part: 'body' } as const
  openLimited(limited, { period, owner: archive }, show('limited', sealLimited(limited, { period, owner: archive }, body))).fill(0)
  blindTag(server, 'test', 'romeo@montague.example')

  const token = remember('a token', random(32))
  const proof = remember('its proof', hashedToken(token, 'Initiator', Buffer.alloc(0)))
  const record = sealFast('HT-SHA-256-NONE', token, proof, key, account)
  show('token', record.tokenBox)
  const fast = openFast('HT-SHA-256-NONE', proof, record, account)

  const next = PrivateKey.generate()
  remember('the next private key', next.bytes)
  const renewed = { id, generation: 2, publicKey: next.publicKey }
  const former = openFormerKey(next, renewed, 1, show('former', sealFormerKey(renewed, key, 1)))
  const code = newRecoveryCode().secret
  remember('a recovery code', code.bytes)

  recoveryVerifier(code.bytes)
  for (const held of [key, opened, sealer, opener, fast.token, fast.key, next, former, code]) held.wipe()
  for (const bytes of [clientKey, body, token, proof]) bytes.fill(0)
  await store.close()
}

await live()
console.log(JSON.stringify({ secrets, sealed }))
process.stdin.on('data', () => {
  const { gc } = globalThis as unknown as { gc: () => void }
  gc()
  console.log('collected')
})

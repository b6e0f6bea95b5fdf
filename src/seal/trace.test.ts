import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { join, u8, u16, u32, u48, u64 } from './encoding.ts'
import { expand, hkdf, hmac } from './hkdf.ts'
import { decapsulateWith } from './kem.ts'

const CHUNK = 1 << 18
/** Longer than anything that is looked for. */
const OVERLAP = 512
const ZEROS = Buffer.alloc(CHUNK + OVERLAP)

/** Which of these bytes lie anywhere in the memory of a process. */
function find(pid: number, needles: ReadonlyMap<string, Buffer>): Set<string> {
  const found = new Set<string>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const bytes = Buffer.alloc(CHUNK + OVERLAP)
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to] = /^(\w+)-(\w+) rw/.exec(line) ?? []
    if (from === undefined || to === undefined) continue
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += CHUNK) {
      const size = Math.min(bytes.length, end - at)
      try {
        readSync(memory, bytes, 0, size, at)
      } catch {
        break // It was given back meanwhile.
      }
      const chunk = bytes.subarray(0, size)
      if (chunk.equals(ZEROS.subarray(0, size))) continue
      for (const [name, needle] of needles) if (chunk.includes(needle)) found.add(name)
    }
  }
  closeSync(memory)
  return found
}

/** The keys that a box was sealed with (HKDF-SHA512), and what they were derived from. */
function boxKeys(name: string, ikm: Buffer, info: Buffer, blob: Buffer): [string, Buffer][] {
  const prk = hmac('sha512', blob.subarray(1, 33), ikm)
  return [
    [`${name}: PRK`, prk],
    [`${name}: key`, expand('sha512', prk, info, 32)],
  ]
}

const none: Buffer = Buffer.alloc(0)

/** The same for HPKE (RFC 9180 §5.1), spelled out. */
function hpkeKeys(name: string, sk: Buffer, enc: Buffer, info: Buffer, psk = none, pskId = none): [string, Buffer][] {
  const suite = join('HPKE', u16(0x0020), u16(0x0001), u16(0x0003))
  const extract = (salt: Buffer, label: string, ikm: Buffer) => hmac('sha256', salt, 'HPKE-v1', suite, label, ikm)
  const shared = decapsulateWith(sk, enc)
  const context = join(u8(psk.length > 0 ? 1 : 0), extract(none, 'psk_id_hash', pskId), extract(none, 'info_hash', info))
  const secret = extract(shared, 'secret', psk)
  return [
    [`${name}: shared secret`, shared],
    [`${name}: secret`, secret],
    [`${name}: key`, expand('sha256', secret, join(u16(32), 'HPKE-v1', suite, 'key', context), 32)],
    [`${name}: base nonce`, expand('sha256', secret, join(u16(12), 'HPKE-v1', suite, 'base_nonce', context), 12)],
  ]
}

type Named = Record<string, Buffer>

function derived(secrets: Named, sealed: Named): [string, Buffer][] {
  const {
    'the private key': sk,
    'the next private key': next,
    'the secret of the day': day,
    S_acct,
    B_acct,
    ClientKey,
    'its proof': proof,
  } = secrets
  const first = join(sealed['id']!, u32(1))
  const psk = join(day!, S_acct!)
  const pskId = join('CXZ1', u8(7), u32(Date.UTC(2026, 7, 18) / 86_400_000), sealed['id']!)
  const limited = join('CXZ-SEAL-1 limited', sealed['id']!, u8(1), u8(7), u32(Date.UTC(2026, 7, 18) / 86_400_000), u64(1), u8(1))
  return [
    ...boxKeys('wrap', join(u16(32), ClientKey!, u16(0)), join('CXZ-SEAL-1 kek', u8(2), first), sealed['wrap']!),
    ...boxKeys('box', B_acct!, join('CXZ-SEAL-1 server', 'test'), sealed['box']!),
    ...boxKeys('limited', psk, limited, sealed['limited']!),
    ...boxKeys('token', proof!, join('CXZ-SEAL-1 fast token', first), sealed['token']!),
    ...hpkeKeys('segment', sk!, sealed['segment']!.subarray(1), join('CXZ-SEAL-1 seg', first, u8(1), u48(1)), psk, pskId),
    ...hpkeKeys('item', sk!, sealed['item']!.subarray(1, 33), join('CXZ-SEAL-1 item', first, u8(1))),
    ...hpkeKeys('former', next!, sealed['former']!.subarray(1, 33), join('CXZ-SEAL-1 kek', u8(7), sealed['id']!, u32(2))),
    ['psk', psk],
    ['the input of a wrap', join(ClientKey!, u16(0))],
    ['the key of blind tags', hkdf('sha256', B_acct!, none, 'CXZ-SEAL-1 blind', 32)],
    ['the key of a verifier', hkdf('sha256', secrets['a recovery code']!, none, 'auth', 32)],
  ]
}

const buffers = (texts: Record<string, string>): Named =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text, 'hex')]))

test('T-MEM: of what was wiped nothing is left in memory, nor of what was derived from it', {
  skip: process.platform !== 'linux',
}, async () => {
  const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(new URL('test-trace.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [line] = await once(child.stdout, 'data')
    const said: Record<'secrets' | 'sealed', Record<string, string>> = JSON.parse(line)
    const secrets = buffers(said.secrets)
    for (const secret of Object.values(secrets)) for (let i = 0; i < secret.length; i++) secret[i]! ^= 0xff
    const needles = new Map([...Object.entries(secrets), ...derived(secrets, buffers(said.sealed))])
    assert.equal(needles.size, 34)
    // Whoever frees memory overwrites the first bytes of it; the rest would betray the key just as well.
    for (const [name, needle] of needles) if (needle.length >= 32) needles.set(name, needle.subarray(16))
    // What the process has said would be found, if nothing else.
    needles.set('what it said', Buffer.from(String(line).slice(20, 50)))

    // OpenSSL's copies of private keys wait for the garbage collector; nothing else does.
    const before = find(child.pid!, needles)
    for (const name of ['the private key', 'the next private key']) before.delete(name)
    assert.deepEqual(before, new Set(['what it said']))
    child.stdin.write('collect')
    await once(child.stdout, 'data')
    assert.deepEqual(find(child.pid!, needles), new Set(['what it said']))
  } finally {
    child.kill()
  }
})

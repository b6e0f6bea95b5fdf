import assert from 'node:assert/strict'
import { test } from 'node:test'
import { credentialFromSaltedPassword, makeCredential } from './credential.ts'
import { openProof } from './scram.ts'
import { hmac, type ScramHash } from './scram-hash.ts'
import { saltPassword, TestClient } from './test-client.ts'
import { exchangeFor, ITERATIONS, login, memorySource, pencils, refuses, romeo } from './test-fixture.ts'

const VECTORS = [
  {
    title: 'RFC 5802 §5',
    hash: 'SHA-1',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    clientKey: 'e234c47bf6c36696dd6d852b99aaa2ba26555728',
  },
  {
    title: 'RFC 7677 §3',
    hash: 'SHA-256',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    clientKey: 'a60fc923d67e8644a92d16b96eda5ef4656b0c725c484374be25535576996e8b',
  },
] as const

for (const { title, hash, nonce, serverFirst, final, signature, clientKey } of VECTORS) {
  test(`the exchange of ${title} comes out as printed`, async () => {
    const client = new TestClient({ mechanism: `SCRAM-${hash}`, username: 'user', password: 'pencil', nonce })
    assert.equal(client.first().toString(), `n,,n=user,r=${nonce}`)
    assert.equal(client.final(Buffer.from(serverFirst)).toString(), final)
    client.verify(Buffer.from(`v=${signature}`))

    const salt = Buffer.from(serverFirst.split(',s=')[1]!.split(',')[0]!, 'base64')
    const credential = await makeCredential('pencil', hash, 4096, salt)
    const [withoutProof, proof] = final.split(',p=') as [string, string]
    const authMessage = `n=user,r=${nonce},${serverFirst},${withoutProof}`
    assert.equal(openProof(credential, authMessage, Buffer.from(proof, 'base64'))?.bytes.toString('hex'), clientKey)
    assert.equal(hmac(hash, credential.serverKey, authMessage).toString('base64'), signature)
  })
}

for (const hash of ['SHA-1', 'SHA-256', 'SHA-512'] as const) {
  for (const mechanism of [`SCRAM-${hash}`, `SCRAM-${hash}-PLUS`]) {
    test(`${mechanism} logs in, hands on the ClientKey and proves the server`, async () => {
      const client = romeo(mechanism)
      const success = await login(client, exchangeFor(mechanism))
      client.verify(success.data)
      assert.equal(success.username, 'romeo')
      assert.equal(success.credential.hash, hash)
      assert.deepEqual(success.clientKey?.bytes, client.clientKey)
    })

    test(`${mechanism} refuses a wrong password`, async () => {
      await refuses(login(romeo(mechanism, { password: 'pencils' }), exchangeFor(mechanism)))
    })
  }
}

test('the username is what preparation makes of it', async () => {
  const { username } = await login(romeo('SCRAM-SHA-256', { username: 'ROMEO' }), exchangeFor('SCRAM-SHA-256'))
  assert.equal(username, 'romeo')
})

test('a name with comma and equals sign is escaped on the way', async () => {
  const source = memorySource({ 'a=b,c': pencils })
  const { username } = await login(romeo('SCRAM-SHA-256', { username: 'a=b,c' }), exchangeFor('SCRAM-SHA-256', { source }))
  assert.equal(username, 'a=b,c')
})

test('a name that cannot be prepared is refused like a wrong password', async () => {
  await refuses(exchangeFor('SCRAM-SHA-256').step(romeo('SCRAM-SHA-256', { username: 'ro meo' }).first()))
})

test('a client may name itself as the authorization identity', async () => {
  await login(romeo('SCRAM-SHA-256', { authzid: 'romeo@montague.example' }), exchangeFor('SCRAM-SHA-256'))
})

test('a client may not act for another, even for one that does not exist', async () => {
  for (const authzid of ['juliet@montague.example', 'romeo@capulet.example', 'nobody']) {
    await refuses(exchangeFor('SCRAM-SHA-256').step(romeo('SCRAM-SHA-256', { authzid }).first()), 'invalid-authzid')
  }
})

test('the nonce has at least 24 random bytes and begins with the client’s', async () => {
  const nonces = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const { data } = await exchangeFor('SCRAM-SHA-256').step(romeo('SCRAM-SHA-256', { nonce: 'mine' }).first())
    const nonce = /^r=mine([^,]+),/.exec(data!.toString())![1]!
    assert.ok(Buffer.from(nonce, 'base64').length >= 24)
    nonces.add(nonce)
  }
  assert.equal(nonces.size, 100)
})

test('a message of another exchange is refused', async () => {
  let heard = Buffer.alloc(0)
  await login(romeo('SCRAM-SHA-256', { nonce: 'n' }), exchangeFor('SCRAM-SHA-256'), final => Buffer.from((heard = Buffer.from(final))))
  const exchange = exchangeFor('SCRAM-SHA-256')
  await exchange.step(romeo('SCRAM-SHA-256', { nonce: 'n' }).first())
  await refuses(exchange.step(heard))
})

test('a proof of the wrong length is refused, whatever it starts with', async () => {
  for (const change of [
    (proof: Buffer) => Buffer.concat([proof, Buffer.alloc(1)]),
    (proof: Buffer) => proof.subarray(1),
    () => Buffer.alloc(0),
  ]) {
    const onWay = (final: Buffer): Buffer => {
      const [rest, proof] = final.toString().split(',p=') as [string, string]
      return Buffer.from(`${rest},p=${change(Buffer.from(proof, 'base64')).toString('base64')}`)
    }
    await refuses(login(romeo('SCRAM-SHA-256'), exchangeFor('SCRAM-SHA-256'), onWay))
  }
})

test('each flipped bit of the proof is refused', async () => {
  const hash: ScramHash = 'SHA-256'
  const salted = saltPassword(hash, 'pencil', 'AAAA', 64)
  const { credential, clientKey } = credentialFromSaltedPassword(hash, salted, Buffer.alloc(3), 64)
  const proof = hmac(hash, credential.storedKey, 'AuthMessage').map((byte, i) => byte ^ clientKey.bytes[i]!)
  assert.deepEqual(openProof(credential, 'AuthMessage', Buffer.from(proof))?.bytes, clientKey.bytes)
  for (let bit = 0; bit < proof.length * 8; bit++) {
    const flipped = Buffer.from(proof)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(openProof(credential, 'AuthMessage', flipped), undefined)
  }
})

test('the stored key is no client key', async () => {
  const [credential] = pencils
  const signature = hmac(credential!.hash, credential!.storedKey, 'AuthMessage')
  const proof = Buffer.from(signature.map((byte, i) => byte ^ credential!.storedKey[i]!))
  assert.equal(openProof(credential!, 'AuthMessage', proof), undefined)
})

/** A last message made by hand, with a proof that is right for it. */
function signedFinal(bare: string, serverFirst: string, withoutProof: string): Buffer {
  const salt = /,s=([^,]+)/.exec(serverFirst)![1]!
  const salted = saltPassword('SHA-256', 'pencil', salt, ITERATIONS)
  const { credential, clientKey } = credentialFromSaltedPassword('SHA-256', salted, Buffer.from(salt, 'base64'), ITERATIONS)
  const signature = hmac('SHA-256', credential.storedKey, `${bare},${serverFirst},${withoutProof}`)
  const proof = Buffer.from(signature.map((byte, i) => byte ^ clientKey.bytes[i]!))
  return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
}

test('extensions that nobody knows are part of what is proved, and otherwise ignored', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  const bare = 'n=romeo,r=abc,x=1,y=2'
  const serverFirst = (await exchange.step(Buffer.from(`n,,${bare}`))).data!.toString()
  const nonce = /^r=([^,]+)/.exec(serverFirst)![1]!
  assert.equal((await exchange.step(signedFinal(bare, serverFirst, `c=biws,r=${nonce},z=3`))).kind, 'success')
})

test('a right proof over another nonce is refused', async () => {
  for (const change of [(nonce: string) => `${nonce}x`, (nonce: string) => nonce.slice(0, -1), () => 'abc']) {
    const exchange = exchangeFor('SCRAM-SHA-256')
    const serverFirst = (await exchange.step(Buffer.from('n,,n=romeo,r=abc'))).data!.toString()
    const nonce = change(/^r=([^,]+)/.exec(serverFirst)![1]!)
    await refuses(exchange.step(signedFinal('n=romeo,r=abc', serverFirst, `c=biws,r=${nonce}`)))
  }
})

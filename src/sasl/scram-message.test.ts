import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readClientFinal, readClientFirst } from './scram-message.ts'
import { exchangeFor, refuses, romeo } from './test-fixture.ts'

const BAD_FIRST: Record<string, string | Buffer> = {
  'nothing at all': '',
  'no comma': 'n=romeo',
  'no GS2 header': 'n=romeo,r=abc',
  'an unknown flag': 'x,,n=romeo,r=abc',
  'the flag of GSS-API, F': 'F,n,,n=romeo,r=abc',
  'a binding without a name': 'p=,,n=romeo,r=abc',
  'a binding with a bad name': 'p=tls_unique,,n=romeo,r=abc',
  'an empty authorization identity': 'n,a=,n=romeo,r=abc',
  'something else than an authorization identity': 'n,b=romeo,n=romeo,r=abc',
  'a mandatory extension': 'n,,m=1,n=romeo,r=abc',
  'a mandatory extension, later': 'n,,n=romeo,r=abc,m=1',
  'no name': 'n,,r=abc',
  'an empty name': 'n,,n=,r=abc',
  'no nonce': 'n,,n=romeo',
  'an empty nonce': 'n,,n=romeo,r=',
  'a nonce with a space': 'n,,n=romeo,r=a c',
  'a nonce beyond ASCII': 'n,,n=romeo,r=abcé',
  'attributes in the wrong order': 'n,,r=abc,n=romeo',
  'an attribute twice': 'n,,n=romeo,r=abc,x=1,x=2',
  'the nonce twice': 'n,,n=romeo,r=abc,r=abd',
  'a last comma': 'n,,n=romeo,r=abc,',
  'an attribute without a value': 'n,,n=romeo,r=abc,x',
  'an attribute with a bad name': 'n,,n=romeo,r=abc,1=x',
  'a lone equals sign in the name': 'n,,n=ro=meo,r=abc',
  'a lower-case escape': 'n,,n=ro=2cmeo,r=abc',
  'an unknown escape': 'n,,n=ro=2Emeo,r=abc',
  'an equals sign at the end of the name': 'n,,n=romeo=,r=abc',
  'a bad escape in the authorization identity': 'n,a=ro=2D,n=romeo,r=abc',
  'a zero byte in the name': 'n,,n=ro\0meo,r=abc',
  'a zero byte in an extension': 'n,,n=romeo,r=abc,x=\0',
  'broken UTF-8': Buffer.from('6e2c2c6e3dff2c723d616263', 'hex'),
  'a surrogate in UTF-8': Buffer.from('6e2c2c6e3deda0802c723d616263', 'hex'),
  'too many bytes': `n,,n=romeo,r=${'a'.repeat(4096)}`,
}

for (const [what, input] of Object.entries(BAD_FIRST)) {
  test(`a first message with ${what} is malformed`, async () => {
    await refuses(exchangeFor('SCRAM-SHA-256').step(Buffer.from(input as string)), 'malformed-request')
  })
}

const BAD_FINAL: Record<string, string | Buffer> = {
  'nothing at all': '',
  'no proof': 'c=biws,r=abc',
  'no binding': 'r=abc,p=AAAA',
  'no nonce': 'c=biws,p=AAAA',
  'something after the proof': 'c=biws,r=abc,p=AAAA,x=1',
  'a proof that is no base64': 'c=biws,r=abc,p=AA*A',
  'a proof with leftover bits': 'c=biws,r=abc,p=AAB=',
  'a binding that is no base64': 'c=biw,r=abc,p=AAAA',
  'a mandatory extension': 'c=biws,r=abc,m=1,p=AAAA',
  'two proofs': 'c=biws,r=abc,p=AAAA,p=BBBB,p=AAAA',
  'broken UTF-8': Buffer.from('633d626977732c723d616263ff2c703d41414141', 'hex'),
  'too many bytes': `c=biws,r=${'a'.repeat(4096)},p=AAAA`,
}

for (const [what, input] of Object.entries(BAD_FINAL)) {
  test(`a last message with ${what} is malformed`, async () => {
    const exchange = exchangeFor('SCRAM-SHA-256')
    await exchange.step(romeo('SCRAM-SHA-256').first())
    await refuses(exchange.step(Buffer.from(input as string)), 'malformed-request')
  })
}

test('a first message is read to its parts', () => {
  assert.deepEqual(readClientFirst(Buffer.from('p=tls-exporter,a=a=2Cb,n=r=3Dö,r=abc,x=1')), {
    gs2Header: 'p=tls-exporter,a=a=2Cb,',
    flag: 'p',
    bindingType: 'tls-exporter',
    authzid: 'a,b',
    username: 'r=ö',
    nonce: 'abc',
    bare: 'n=r=3Dö,r=abc,x=1',
  })
})

test('an escaped escape is unescaped once', () => {
  assert.equal(readClientFirst(Buffer.from('n,,n=a=3D2Cb,r=abc')).username, 'a=2Cb')
})

test('a last message is read to its parts', () => {
  assert.deepEqual(readClientFinal(Buffer.from('c=biws,r=abc,x=1,p=AQID')), {
    binding: Buffer.from('n,,'),
    nonce: 'abc',
    proof: Buffer.from([1, 2, 3]),
    withoutProof: 'c=biws,r=abc,x=1',
  })
})

import assert from 'node:assert/strict'
import { hash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { channelBindingData, channelBindingTypes, endPointHash } from './channel-binding.ts'
import { endPointData, exporterData, tls12, tls13 } from './test-fixture.ts'

/** Self-signed, nobody has the keys. By signature algorithm, with the hash that RFC 5929 §4.1 demands. */
const CERTIFICATES: Record<string, { expected: string; der: string }> = {
  'ECDSA with SHA-1': {
    expected: 'sha256',
    der: 'MIIBbDCCARSgAwIBAgIUSHFFS7t3cre22INAtCO8UGfjDK0wCQYHKoZIzj0EATAMMQowCAYDVQQDDAFhMCAXDTI2MTEyNDEyMTg0OFoYDzIxMjYxMDMxMTIxODQ4WjAMMQowCAYDVQQDDAFhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi/lfwEAMJgV+p1J+YelrHorkBnDS9QZZD1iEE7VLowM7BXrkoHwYwN6qhT6r+JoOfxr+OcJ4WlUkeBGnzabpKKNTMFEwHQYDVR0OBBYEFKk4eVxN6wns77kLf31vBX5aWLuqMB8GA1UdIwQYMBaAFKk4eVxN6wns77kLf31vBX5aWLuqMA8GA1UdEwEB/wQFMAMBAf8wCQYHKoZIzj0EAQNHADBEAiAT85pQ4tbIXf+gHXpLVjIO6i+S2xcf+9RxpH1vMl+tNAIgMNvA925noaXsh16CCM0FwJ1rcsHQUKZm/Us6jFkpLpw=',
  },
  'ECDSA with SHA-256': {
    expected: 'sha256',
    der: 'MIIBcDCCARWgAwIBAgIUaEwwyBngVCJD2v0WlyohK8RKgt8wCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQxMjE4NDdaGA8yMTI2MTAzMTEyMTg0N1owDDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABODz6jmyCG3yv4DC+EmV0hCBF9BVIJeZSWXuqhHTHLmrsi6YD2PIw4BV0T5WzVtGcHGL2X43LET1be0tn1OZ1sKjUzBRMB0GA1UdDgQWBBQ84X/U4/3x60wM7Wb501vKZs3wgDAfBgNVHSMEGDAWgBQ84X/U4/3x60wM7Wb501vKZs3wgDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDG5/bAHZQs0NMlTdUUzL+baelbbnlgtuJvWvHgKrKWLgIhAPE+Wn+5/R4QMGNEyK2Ev+tBzKrRUCqFQoSH/kOQB0rO',
  },
  'ECDSA with SHA-384': {
    expected: 'sha384',
    der: 'MIIBbzCCARWgAwIBAgIUbLnNgzBXdoclsR0Uv7/pKFiu/2UwCgYIKoZIzj0EAwMwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQxMjE4NDdaGA8yMTI2MTAzMTEyMTg0N1owDDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKOPrE2WkE/RD1IflVtkwp8ydwFSCm73jfsmqD5KYmDYiUB/1tu4oh79gkLs57dqjFdapP5YWNhky0Va8tYjO5ujUzBRMB0GA1UdDgQWBBTi+/KsSKqDULom5IOMelba3VG6kjAfBgNVHSMEGDAWgBTi+/KsSKqDULom5IOMelba3VG6kjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMDA0gAMEUCIAOdi6eJSnx0wdvWAQ1WLHDKeWUb5A+sJH9aLi0XQ+NqAiEAiv7r5PUXDJKwKmDvlZjuld/VEbuOwkvOz0M4Zuwd4jE=',
  },
  'ECDSA with SHA-512': {
    expected: 'sha512',
    der: 'MIIBbzCCARWgAwIBAgIUL/ovKkv9puxvIvS7iMDHN2uwvy8wCgYIKoZIzj0EAwQwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQxMjE4NDdaGA8yMTI2MTAzMTEyMTg0N1owDDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFAZGdpUw/5SGfnQv6+YTnoVmh3lA2peZK7Q/CT2hcd10rqQrisRVqIwvTX6AWY35+1yuwGWQxZJUozU5AXGfu+jUzBRMB0GA1UdDgQWBBTM5JHgoFr5wOObgYzSrpzUaLb9IjAfBgNVHSMEGDAWgBTM5JHgoFr5wOObgYzSrpzUaLb9IjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMEA0gAMEUCICyriNVT9cXjF43TvLYcu1LGk0ddv77d8xcwpT45CtnAAiEAhx8wTEZgch2nHPVdpTwl76DbDEC0EL6blMSZuoZI/Jk=',
  },
  'RSA with SHA-512': {
    expected: 'sha512',
    der: 'MIIB9jCCAV+gAwIBAgIUGIVuj4HUv3skxLE7TZeSch++e0MwDQYJKoZIhvcNAQENBQAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQxMjE4NDhaGA8yMTI2MTAzMTEyMTg0OFowDDEKMAgGA1UEAwwBYTCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEArW85HilqR9f86C4+kuYjswLwTFAgVWNYk3j/Qwxpg9Ta3Gmv/ed2t0LD9s7yewSv9uoUinzFvIej0jKUtwMMDj3w/BkGZMKycnjrc1hqWnFtCa9Qea7HgLttKdvc3Smo7juxoxxiMpAJdiOtcajAe4xZuV2Y02i4bXZd7L2kF90CAwEAAaNTMFEwHQYDVR0OBBYEFPIqgYIIxb+h4xNTxGxhLXXinDegMB8GA1UdIwQYMBaAFPIqgYIIxb+h4xNTxGxhLXXinDegMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQENBQADgYEAWDUOTRTfGCo2RYrneDJtXiHmEgpWZyOLecxjc656g95B5CQnX22Vde8Jty/bCSihW8uYJjaVpzM2zeg67LbKGqiMD9cm/6wcce5oEdLEu7dbOtVPweSfDQSoOs2PtcBI8Qn06EqkZTwrE/s3T0RF8nKPoDTEQi4/s+g9bgjtStc=',
  },
  'RSASSA-PSS with SHA-384': {
    expected: 'sha384',
    der: 'MIICXjCCAZOgAwIBAgIUVZRirWk6s3h2PqeSR/lfcQvkG8QwQQYJKoZIhvcNAQEKMDSgDzANBglghkgBZQMEAgIFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgIFAKIDAgEwMAwxCjAIBgNVBAMMAWEwIBcNMjYxMTI0MTIxODQ4WhgPMjEyNjEwMzExMjE4NDhaMAwxCjAIBgNVBAMMAWEwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAMulFjhiNIlqdZK8mzrmrc9w3VBjdXxKOl1vrJAyrDFVALvD3XxJuh3kI6XZk/s6jNdOQKnWygUv67zSS6yN+sz8CIeXiHuK73yvjH8ACX1befOjmD+1lAgBuhPQWDgmbcJfh/RzdvQ7kYZt77QjhCSZOR1JKCKEviScXV4Rf0djAgMBAAGjUzBRMB0GA1UdDgQWBBT/5kUojEzEq3zNmiaw+Qm4An16KzAfBgNVHSMEGDAWgBT/5kUojEzEq3zNmiaw+Qm4An16KzAPBgNVHRMBAf8EBTADAQH/MEEGCSqGSIb3DQEBCjA0oA8wDQYJYIZIAWUDBAICBQChHDAaBgkqhkiG9w0BAQgwDQYJYIZIAWUDBAICBQCiAwIBMAOBgQA/xUXKVlQWiP5sxLcg7XLjkvn43rIgR+CgC0Vlt/XjN0etT/9z4VD8keMW6FF7vYdsM+sDuT/KBcO1MQPM3tzikxrpYMbYYGvlRJ9M8XD3bdzdaVmONA3MnNlKliNH27IsYLotBMFA0Y8Zu/t4Nla+cJDxKWTtkUnXMCTZlKBsYQ==',
  },
  Ed25519: {
    expected: 'sha256',
    der: 'MIIBLjCB4aADAgECAhRMGOsc1a51FLyba98IR06SJuLnKjAFBgMrZXAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQxMjE4NDhaGA8yMTI2MTAzMTEyMTg0OFowDDEKMAgGA1UEAwwBYTAqMAUGAytlcAMhAE8jVhs+TZH3S84Af+fqEi2IoKHniblxvkUI5f+J/h3Eo1MwUTAdBgNVHQ4EFgQUffihz0AIcpT/lshNiw4/NFeHpREwHwYDVR0jBBgwFoAUffihz0AIcpT/lshNiw4/NFeHpREwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQAGjDhCyWrWCLT7sTZ5/FZNOjzb13JMt0E53ZEfYJpA23QVQiuWN2wRjrdaNR0ic+56GAmTMD3EnWYe2/v4pHsA',
  },
}

for (const [algorithm, { expected, der }] of Object.entries(CERTIFICATES)) {
  test(`RFC 5929 §4.1: a certificate signed by ${algorithm} is hashed by ${expected}`, () => {
    const raw = Buffer.from(der, 'base64')
    assert.deepEqual(endPointHash(new X509Certificate(raw)), hash(expected, raw, 'buffer'))
  })
}

test('tls-exporter is there on TLS 1.3 only, tls-server-end-point on both, tls-unique never', () => {
  assert.deepEqual(channelBindingTypes(tls13), ['tls-exporter', 'tls-server-end-point'])
  assert.deepEqual(channelBindingTypes(tls12), ['tls-server-end-point'])
  assert.deepEqual(channelBindingTypes({}), [])
  assert.deepEqual(channelBindingData(tls13, 'tls-exporter'), exporterData)
  assert.deepEqual(channelBindingData(tls12, 'tls-server-end-point'), endPointData)
  assert.equal(channelBindingData(tls12, 'tls-exporter'), undefined)
  assert.equal(channelBindingData(tls13, 'tls-unique'), undefined)
})

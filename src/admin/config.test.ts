import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, duration } from '../lib/settings.ts'
import { type Config, defaultConfig, loadConfig } from './config.ts'
import { EX_CONFIG, OperatorError } from './operator-error.ts'
import { reloadable } from './reload.ts'
import { settingsPage } from './settings-page.ts'

const folder = await mkdtemp(join(tmpdir(), 'conexizan-'))
after(() => rm(folder, { recursive: true }))

const modules = {
  archive: { keep: duration('7d', 'How long messages are kept.'), most: count(50, { min: 1 }, 'Messages on a page.') },
  ping: {},
}

let files = 0
async function load(toml: string): Promise<Config> {
  const file = join(folder, `${++files}.toml`)
  await writeFile(file, toml)
  return loadConfig(file, modules)
}

async function refusal(toml: string): Promise<string> {
  const error = await load(toml).then(
    () => assert.fail('it was accepted'),
    error => error,
  )
  assert.ok(error instanceof OperatorError)
  assert.equal(error.exitCode, EX_CONFIG)
  return error.message.replaceAll(`${join(folder, `${files}.toml`)}`, 'FILE')
}

test('one line is enough', async () => {
  const config = await load('hosts = ["Example.ORG", "bücher.example", "xn--bcher-kva.example"]')
  assert.deepEqual(
    config.hosts.map(host => host.domain),
    ['example.org', 'bücher.example'],
  )
  assert.equal(config.data, join(folder, 'data'))
  assert.deepEqual(config.listen.c2s, [
    { address: '0.0.0.0', port: 5222 },
    { address: '::', port: 5222 },
  ])
  assert.deepEqual(config.listen.http, [])
})

test('without a file this machine alone is served', () => {
  const config = defaultConfig(modules)
  assert.deepEqual(
    config.hosts.map(host => host.domain),
    ['localhost'],
  )
  const addresses = new Set(Object.values(config.listen).flatMap(endpoints => endpoints.map(({ address }) => address)))
  assert.deepEqual([...addresses], ['127.0.0.1', '::1'])
})

test('a host has its own certificate and module settings, and else the common ones', async () => {
  const { hosts } = await load(`
    hosts = ["a.example", "b.example"]
    tls.certificate = { cert = "all.pem", key = "all.key" }
    [modules.archive]
    keep = "1d"
    most = 20
    [host."b.example"]
    certificate = { cert = "/etc/b.pem", key = "b.key" }
    federation = false
    [host."b.example".modules.archive]
    keep = "30d"`)
  assert.deepEqual(hosts, [
    {
      domain: 'a.example',
      certificate: { cert: join(folder, 'all.pem'), key: join(folder, 'all.key') },
      federation: true,
      modules: { archive: { keep: 86_400_000, most: 20 }, ping: {} },
    },
    {
      domain: 'b.example',
      certificate: { cert: '/etc/b.pem', key: join(folder, 'b.key') },
      federation: false,
      modules: { archive: { keep: 30 * 86_400_000, most: 20 }, ping: {} },
    },
  ])
})

test('a listener is off, on a port of all addresses, or where it is told', async () => {
  const { listen } = await load(`
    hosts = ["a.example"]
    [listen]
    addresses = ["192.0.2.1"]
    c2s = ["127.0.0.1:15222", "[2001:db8::1]:0"]
    c2sTls = false
    https = 443`)
  assert.deepEqual(listen, {
    c2s: [
      { address: '127.0.0.1', port: 15_222 },
      { address: '2001:db8::1', port: 0 },
    ],
    c2sTls: [],
    s2s: [{ address: '192.0.2.1', port: 5269 }],
    s2sTls: [{ address: '192.0.2.1', port: 5270 }],
    https: [{ address: '192.0.2.1', port: 443 }],
    http: [],
    component: [],
  })
})

test('of other servers all is read that protects from them', async () => {
  const { s2s } = await load(`
    hosts = ["a.example"]
    [s2s]
    authorities = "ca.pem"
    networks = ["10.0.0.0/8"]
    dns = ["127.0.0.1:5353"]
    mechanisms = ["dialback"]
    [s2s.pins]
    "b.example" = ["${'AB:'.repeat(31)}AB"]
    [s2s.servers]
    "b.example" = "tls:xmpp.b.example:443"`)
  assert.equal(s2s.authorities, join(folder, 'ca.pem'))
  assert.deepEqual(s2s.pins['b.example'], [Buffer.alloc(32, 0xab)])
  assert.deepEqual(s2s.proxy, { host: '127.0.0.1', port: 9050 })
  const { s2s: usual } = await load('hosts = ["a.example"]')
  assert.deepEqual([usual.networks, usual.exceptions, usual.tor, usual.mechanisms], [[], [], 'off', ['external', 'dialback']])
})

test('components listen on this machine alone, and only where there are some', async () => {
  assert.deepEqual((await load('hosts = ["a.example"]\nlisten.component = 5347')).listen.component, [])
  const one = 'hosts = ["a.example"]\ncomponent."irc.a.example".secret = "0123456789abcdef"\n'
  const { component, listen } = await load(one)
  assert.deepEqual({ ...component }, { 'irc.a.example': { secret: '0123456789abcdef' } })
  assert.deepEqual(listen.component, [{ address: '127.0.0.1', port: 5347 }])
  assert.deepEqual((await load(`${one}listen.component = 8888`)).listen.component, [{ address: '127.0.0.1', port: 8888 }])
  assert.deepEqual((await load(`${one}listen.component = ["192.0.2.1:1"]`)).listen.component, [{ address: '192.0.2.1', port: 1 }])
  assert.deepEqual((await load(`${one}listen.component = false`)).listen.component, [])
  const other = await load(one.replace('irc', 'sms').replace('f"', 'ff"'))
  assert.deepEqual(reloadable(await load(one), other).needsRestart, [
    'component."irc.a.example".secret',
    'component."sms.a.example".secret',
  ])
})

for (const [toml, sentence] of [
  ['', 'FILE: hosts: must name at least one domain, such as hosts = ["example.org"]'],
  ['hosts = ["a b"]', 'FILE: hosts.0: must be a domain name'],
  ['hosts = ["a.example/b"]', 'FILE: hosts.0: must be a domain name'],
  ['hosts = ["192.0.2"]', 'FILE: hosts.0: must be a domain name'],
  ['hosts = ["2001:db8::1"]', 'FILE: hosts.0: must be a domain name'],
  ['[host."A.example"]', 'FILE: host."A.example": must be written as "a.example"'],
  ['hosts = ["a"]\nlisten.c2s = "5222"', 'FILE: listen.c2s: must be false, or whole number from 0 to 65535, or list of "address:port"'],
  ['hosts = ["a"]\nlisten.c2s = true', 'FILE: listen.c2s: must be false, or whole number from 0 to 65535, or list of "address:port"'],
  ['hosts = ["a"]\nlisten.c2s = ["here:1"]', 'FILE: listen.c2s.0: must be "address:port"'],
  [
    'hosts = ["a"]\nlimits.after.bytes = "9KiB"',
    'FILE: limits.after.bytes: must be a size such as "512B", "64KiB" or "10MiB", at least 10000B',
  ],
  ['hosts = ["a"]\nstore.engine = "postgres"', 'FILE: store.url: is missing, for the engine is "postgres"'],
  ['hosts = ["a"]\nstore.url = "postgres://x"', 'FILE: store.url: has no meaning for the engine "sqlite"'],
  ['hosts = ["a"]\ntls.certificate = { cert = "a.pem" }', 'FILE: tls.certificate.key: is missing'],
  ['hosts = ["a"]\ncomponent.x = {}', 'FILE: component.x.secret: is missing'],
  [
    'hosts = ["a"]\ncomponent.x.secret = "short"',
    'FILE: component.x.secret: must be at least 16 characters, such as openssl rand -hex 16 prints',
  ],
  ['hosts = ["a"]\ncomponent.X.secret = "0123456789abcdef"', 'FILE: component.X: must be written as "x"'],
  ['hosts = ["a"]\ncomponent."x y".secret = "0123456789abcdef"', 'FILE: component."x y": must be a domain name'],
  [
    'hosts = ["a"]\ncomponent.a.secret = "0123456789abcdef"',
    'FILE: component.a: is served as a host; a component has a domain of its own, such as "irc.a"',
  ],
  ['hosts = ["a"]\ns2s.networks = ["10.0.0.0/40"]', 'FILE: s2s.networks.0: must be a network such as "10.0.0.0/8"'],
  ['hosts = ["a"]\ns2s.dns = ["dns.example"]', 'FILE: s2s.dns.0: must be "address" or "address:port"'],
  ['hosts = ["a"]\ns2s.pins.b = ["abc"]', 'FILE: s2s.pins.b.0: must be a SHA-256 hash in hex'],
  ['hosts = ["a"]\ns2s.servers.B = "b:1"', 'FILE: s2s.servers.B: must be written as "b"'],
  ['hosts = ["a"]\ns2s.proxy = "a b"', 'FILE: s2s.proxy: must be "host:port"'],
  ['hosts = ["a"]\nmodules.archiv.keep = "1d"', 'FILE: modules.archiv: is not a module; there are: archive, ping'],
  ['hosts = ["a"]\nmodules.archive.kept = "1d"', 'FILE: modules.archive.kept: is not a setting; there are: keep, most'],
  ['hosts = ["a"]\nmodules.archive = true', 'FILE: modules.archive: must be a table'],
  ['hosts = ["a"]\nhost.a.modules.ping.x = 1', 'FILE: host.a.modules.ping.x: is not a setting; there are none here'],
] as const) {
  test(`${JSON.stringify(toml)} is refused with a sentence`, async () => assert.equal(await refusal(toml), sentence))
}

test('a mistake in TOML is shown with its line and column', async () => {
  const [place, ...excerpt] = (await refusal('hosts = ["a"]\ndata = nowhere\n')).split('\n')
  assert.match(place!, /^FILE:2:\d+: \S/)
  assert.match(excerpt.join('\n'), /data = nowhere/)
})

test('a settings file that is not there is told', async () => {
  await assert.rejects(loadConfig(join(folder, 'none.toml'), modules), /none\.toml: cannot be read \(ENOENT\)/)
})

test('a running server takes over what it can, and tells the rest', async () => {
  const old = await load('hosts = ["a.example"]')
  const now = await load(`
    hosts = ["a.example", "b.example"]
    data = "elsewhere"
    limits = { sessions = 3, connections = 5, connectionsPerNetwork = 7, rate = "1MiB" }
    auth = { sha1 = true, plain = true, iterations = 10000 }
    tls.oldest = "1.3"
    [host."a.example"]
    certificate = { cert = "a", key = "b" }
    modules.archive.most = 3`)
  assert.deepEqual(reloadable(old, now), {
    changed: ['auth.plain', 'limits.rate'],
    needsRestart: [
      'auth.iterations',
      'auth.sha1',
      'data',
      'host."a.example".certificate.cert',
      'host."a.example".certificate.key',
      'host."a.example".modules.archive.most',
      'host."b.example".federation',
      'host."b.example".modules.archive.keep',
      'host."b.example".modules.archive.most',
      'hosts',
      'limits.connections',
      'limits.connectionsPerNetwork',
      'limits.sessions',
      'seal.secrets',
      'tls.oldest',
    ],
  })
  assert.deepEqual(reloadable(old, await load('hosts = ["a.example"]')), { changed: [], needsRestart: [] })
})

test('the page of settings names every setting, those of modules too', () => {
  const page = settingsPage(modules)
  assert.match(page, /^\| `limits\.sessions` \| whole number from 1 to 1000 \| `10` \| Sessions of one account at a time\. \|$/m)
  assert.match(page, /^\| `host\.\*\.certificate\.cert` \| /m)
  assert.match(page, /^\| `modules\.archive\.keep` \| span of time \| `"7d"` \| How long messages are kept\. \|$/m)
})

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the DNS server of the network answers. Programs that ask the system's come here too. */
export const NAME_SERVER = '127.0.1.53'

const INSIDE = 'INTEROP_NETWORK'
const IMPOSSIBLE = 'a network of its own takes root, or a system that lets others have namespaces, and iproute2'
// What is started in there ends with it, and it ends with us.
const WITH_US = ['--pdeathsig', 'KILL']
const ITS_OWN = ['--net', '--mount', '--pid', '--fork', '--kill-child', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])]
const SETTLE =
  'ip link set lo up; mount -t proc proc /proc; mount --bind "$1/resolv.conf" /etc/resolv.conf; mount --bind "$1/hosts" /etc/hosts; shift; exec "$@"'

/**
 * Runs this test file again where the network is a loopback interface alone, all ports are free, and DNS is our own, and ends
 * when that ends; in there, it does nothing. Of the machine nothing is changed, and nothing gets out. To be called before any
 * test. Gives a sentence where the system does not allow that.
 */
export function enterNetwork(): string | undefined {
  if (process.env[INSIDE] !== undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'conexizan-network-'))
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${NAME_SERVER}\n`)
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost ${hostname()}\n`)
  const run = (command: readonly string[], stdio: 'ignore' | 'inherit'): number | null => {
    const env = { ...process.env, [INSIDE]: '1' }
    return spawnSync('setpriv', [...WITH_US, 'unshare', ...ITS_OWN, 'sh', '-ec', SETTLE, 'sh', folder, ...command], { stdio, env }).status
  }
  const isPossible = run(['true'], 'ignore') === 0
  const status = isPossible ? run([process.execPath, ...process.execArgv, ...process.argv.slice(1)], 'inherit') : undefined
  rmSync(folder, { recursive: true })
  if (status === undefined) return IMPOSSIBLE
  process.exit(status ?? 1)
}

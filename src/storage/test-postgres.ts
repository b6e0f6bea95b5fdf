import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Starts a PostgreSQL of this process alone, in a folder that goes with it. Gives its URL. */
export function startPostgres(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conexizan-pg-'))
  const who = postgresUser()
  if (who !== undefined) chownSync(folder, who.uid, who.gid)
  const options = { cwd: folder, ...who, stdio: 'ignore' } as const
  execFileSync(program('initdb'), ['-D', `${folder}/data`, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], options)
  const settings = `-k ${folder} -c listen_addresses= -c max_connections=200`
  execFileSync(program('pg_ctl'), ['start', '-w', '-D', `${folder}/data`, '-l', `${folder}/log`, '-o', settings], options)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  process.on('exit', () => {
    execFileSync(program('pg_ctl'), ['stop', '-D', `${folder}/data`, '-m', 'immediate'], options)
    rmSync(folder, { recursive: true, force: true })
  })
  return `postgres://test@${encodeURIComponent(folder)}/postgres`
}

/** PostgreSQL refuses to run as root. */
function postgresUser(): { uid: number; gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined
  const id = (what: string): number => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Debian keeps the programs out of PATH. */
function program(name: string): string {
  const debian = '/usr/lib/postgresql'
  const [newest] = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  return newest === undefined ? name : join(debian, newest, 'bin', name)
}

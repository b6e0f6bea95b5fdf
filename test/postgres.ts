/** `test/postgres.ts COMMAND…` runs it with STORE=postgres and a PostgreSQL at STORE_URL that ends with it, for all its processes. */
import { spawn } from 'node:child_process'
import { startPostgres } from '../src/storage/test-postgres.ts'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('test/postgres.ts needs a command to run')

const env = { ...process.env, STORE: 'postgres', STORE_URL: startPostgres() }
const child = spawn(command, args, { env, stdio: 'inherit' })
process.on('exit', () => child.kill())
child
  .on('error', error => {
    console.error(error.message)
    process.exitCode = 127
  })
  .on('exit', code => {
    process.exitCode = code ?? 1
  })

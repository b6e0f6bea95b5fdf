// Stripping types and compiling take most of a start; the cache keeps what comes of it. It must be on before anything is imported.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/conexizan'))
await import('../src/cli.ts')

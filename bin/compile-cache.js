// Stripping types and compiling take most of a start, and what strips types 20 MiB for as long as the process lives: the cache keeps
// what comes of it. It must be on before anything that has types is imported, in each thread; so this is plain JavaScript.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/conexizan'))

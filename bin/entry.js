import './compile-cache.js'

await import('../src/cli.ts')

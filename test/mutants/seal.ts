/** Runs the tests of src/seal in one process, the quick ones first, up to the first that fails. Mutation testing does so for each mutant. */
import { globSync } from 'node:fs'

const SLOW = ['crash', 'model']

const folder = new URL('../../src/seal/', import.meta.url)
const files = globSync('**/*.test.ts', { cwd: folder.pathname }).sort()
const isSlow = (file: string): boolean => SLOW.some(name => file.endsWith(`${name}.test.ts`))

for (const file of [...files.filter(file => !isSlow(file)), ...files.filter(isSlow)]) {
  try {
    await import(new URL(file, folder).href)
  } catch {
    process.exit(1)
  }
}

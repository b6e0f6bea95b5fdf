import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** All files below a folder, by their paths from there. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => statSync(join(folder, name)).isFile())
}

export const isDatabase = (file: string): boolean => /^data\/.*\.sqlite/.test(file)

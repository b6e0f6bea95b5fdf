import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Server } from '../faults/server.ts'

/** What an observer can lay hands on, by name: files of the server's folder as they lie on the disk, `log`, `process`. */
export function placesOf(server: Server): Map<string, Buffer> {
  const places = new Map<string, Buffer>()
  for (const file of filesIn(server.folder)) places.set(relative(server.folder, file), readFileSync(file))
  places.set('log', Buffer.from(server.output))
  if (server.isRunning) {
    places.set('process', Buffer.concat(['cmdline', 'environ'].map(name => readFileSync(`/proc/${server.pid}/${name}`))))
  }
  return places
}

export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(file => statSync(file).isFile())
}

/** The command line of the operator. What is heavy is loaded when a command needs it. */
import { existsSync, readFileSync } from 'node:fs'
import { runCommandLine } from './admin/command-line.ts'
import { commands } from './admin/commands/index.ts'

const PLACES = ['conexizan.toml', '/etc/conexizan/conexizan.toml']

process.exitCode = await runCommandLine(process.argv.slice(2), {
  commands,
  version: JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
  terminal: process,
  findFile: () => process.env['CONEXIZAN_CONFIG'] || PLACES.find(place => existsSync(place)),
  loadProgram: async () => (await import('./main.ts')).program,
  async loadConfig(file, { modules }) {
    const { loadConfig, defaultConfig } = await import('./admin/config.ts')
    return file === undefined ? defaultConfig(modules) : loadConfig(file, modules)
  },
})

import { flushCompileCache } from 'node:module'
import type { Setup } from '../context.ts'
import { EX_CONFIG, OperatorError } from '../operator-error.ts'
import { defineCommand, type Outcome } from '../registry.ts'

const start = defineCommand({
  name: ['start'],
  summary: 'Serve; without a settings file, for localhost on this machine alone.',
  needs: 'none',
  run: serveUntilStopped,
})

const serve = defineCommand({
  name: ['serve'],
  summary: 'Serve what the settings file says.',
  needs: 'none',
  async run(setup) {
    if (setup.file === undefined)
      throw new OperatorError('there is no settings file; name one with --config, or try `conexizan start`', EX_CONFIG)
    return serveUntilStopped(setup)
  },
})

const stop = defineCommand({
  name: ['stop'],
  summary: 'Stop the server that runs.',
  needs: 'server',
  async run(context) {
    setImmediate(() => context.stop()) // after the answer is on its way
    return { said: 'It stops now.', data: {} }
  },
})

const restart = defineCommand({
  name: ['restart'],
  summary: 'Restart the server that runs, where it keeps secrets in memory alone (seal.level): they are handed over.',
  needs: 'server',
  async run(context) {
    context.restart()
    return { said: 'It restarts now.', data: {} }
  },
})

const status = defineCommand({
  name: ['status'],
  summary: 'Show numbers of the server that runs.',
  needs: 'server',
  async run(context) {
    const numbers = context.status()
    const width = Math.max(...Object.keys(numbers).map(name => name.length))
    const lines = Object.entries(numbers).map(([name, value]) => `${name.padEnd(width)}  ${value}`)
    return { text: lines.join('\n'), data: numbers }
  },
})

const hooks = defineCommand({
  name: ['hooks'],
  summary: 'Show which modules act at which point, in their order.',
  needs: 'store',
  async run(context) {
    const hooks = context.hooks()
    return { text: hooks.join('\n'), data: hooks }
  },
})

const confirmClock = defineCommand({
  name: ['clock', 'confirm'],
  summary: 'Say that the clock of this machine is right, after it has jumped: what was to be destroyed meanwhile is destroyed.',
  needs: 'store',
  isDestructive: true,
  async run(context) {
    await context.confirmClock()
    return { said: `It is ${new Date().toISOString()}; what should be gone by now is gone.`, data: {} }
  },
})

async function serveUntilStopped(setup: Setup): Promise<Outcome> {
  const { serve } = await setup.loadProgram()
  const server = await serve(await setup.loadConfig(), () => setup.loadConfig())
  for (const note of server.notes) setup.tell(note)
  flushCompileCache() // a server is often ended in a way that leaves no time for it
  return { data: {}, exitCode: await server.stopped }
}

export const serverCommands = [start, serve, stop, restart, status, hooks, confirmClock]

import { createInterface } from 'node:readline'

/** Tells the test what happened: one line of JSON. */
export const tell = (event, facts = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

/** Takes commands of the test, one line of JSON each; what goes wrong in one is told as `failed`. */
export function obey(commands) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async line => {
    const { do: name, ...args } = JSON.parse(line)
    try {
      await commands[name](args)
    } catch (error) {
      tell('failed', { command: name, reason: String(error?.message ?? JSON.stringify(error)) })
    }
  })
  lines.on('close', () => process.exit())
}

/** Shows the stanzas on stderr when somebody looks for a fault. */
export const wire = (direction, xml) => process.env.INTEROP_WIRE && process.stderr.write(`${direction} ${xml}\n`)

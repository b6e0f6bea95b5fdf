import { parseDomain } from '../config-shape.ts'
import type { Acquaintance } from '../context.ts'
import { OperatorError } from '../operator-error.ts'
import { defineCommand } from '../registry.ts'

const DOMAIN = { name: 'domain', text: 'Of another server.' } as const

const list = defineCommand({
  name: ['s2s', 'list'],
  summary: 'Show with which other domains there are connections, and which cannot be reached.',
  needs: 'server',
  async run({ federation }) {
    const all = federation.list()
    return {
      text: all.flatMap(linesOf).join('\n'),
      data: all,
      ...(all.length === 0 && { said: 'There are no connections with other servers.' }),
    }
  },
})

const close = defineCommand({
  name: ['s2s', 'close'],
  summary: 'End the connections with another domain; the next message makes a new one.',
  needs: 'server',
  args: [DOMAIN],
  async run({ federation }, { domain }) {
    const isClosed = federation.close(read(domain))
    return { said: isClosed ? 'They are closed.' : 'There were none.', data: { closed: isClosed }, exitCode: isClosed ? 0 : 1 }
  },
})

const ping = defineCommand({
  name: ['s2s', 'ping'],
  summary: 'Ask another domain’s server for an answer, and say what is in the way if none comes.',
  needs: 'server',
  args: [DOMAIN],
  async run({ federation }, { domain }) {
    const name = read(domain)
    const why = await federation.ping(name)
    if (why !== undefined) return { said: `${name} cannot be reached: ${why}.`, data: { answered: false, why }, exitCode: 1 }
    return { said: `${name} answers.`, data: { answered: true } }
  },
})

function read(domain: string): string {
  const parsed = parseDomain(domain)
  if (parsed === undefined) throw new OperatorError(`${domain} is not a domain`)
  return parsed
}

function linesOf({ domain, connections, waiting, failure }: Acquaintance): string[] {
  const words = { in: 'in', out: 'out', both: 'in and out' }
  return [
    domain,
    ...connections.map(
      ({ direction, proof, tls, unacknowledged }) =>
        `  ${words[direction]}, TLS ${tls ?? 'none'}, proved by ${proof}${unacknowledged > 0 ? `, ${unacknowledged} not acknowledged` : ''}`,
    ),
    ...(waiting > 0 ? [`  ${waiting} waiting`] : []),
    ...(failure === undefined ? [] : [`  not reached: ${failure}`]),
  ]
}

export const s2sCommands = [list, close, ping]

import { readAddress, readDomain } from '../address.ts'
import { OperatorError } from '../operator-error.ts'
import { defineCommand } from '../registry.ts'

const address = { name: 'address', text: 'Such as alice@example.org, or alice alone where one domain is served.' } as const

const add = defineCommand({
  name: ['user', 'add'],
  summary: 'Make an account.',
  needs: 'store',
  args: [address],
  secret: 'password',
  async run(context, { address, password }) {
    const { name, domain } = readAddress(context, address)
    const isNew = await context.accounts(domain).create(name, password)
    if (!isNew) throw new OperatorError(`${name}@${domain} exists already; for a new password: conexizan user password ${name}@${domain}`)
    return { said: `${name}@${domain} can log in now.`, data: { address: `${name}@${domain}` } }
  },
})

const list = defineCommand({
  name: ['user', 'list'],
  summary: 'List the accounts of one domain, or of all.',
  needs: 'store',
  args: [{ name: 'domain', text: 'Only of this domain.', isOptional: true }],
  async run(context, input) {
    const domains = input.domain === undefined ? context.hosts() : [readDomain(context, input.domain)]
    const addresses: string[] = []
    for (const domain of domains) for await (const name of await context.accounts(domain).list()) addresses.push(`${name}@${domain}`)
    return { text: addresses.join('\n'), said: addresses.length === 0 ? 'There are no accounts yet.' : '', data: addresses }
  },
})

const password = defineCommand({
  name: ['user', 'password'],
  summary: 'Give an account a new password. What is kept for it is lost, unless its owner has a recovery code.',
  needs: 'store',
  args: [address],
  secret: 'password',
  async run(context, { address: written, password }) {
    const { name, domain } = readAddress(context, written)
    const address = `${name}@${domain}`
    const set = await context.accounts(domain).setPassword(name, password)
    if (set === undefined) throw new OperatorError(`there is no account ${address}`)
    const kept = set.isLost ? 'What was kept for it cannot be read any more.' : 'What was kept for it opens with its owner’s recovery code.'
    return { said: `${address} has a new password. ${kept}`, data: { address, lost: set.isLost } }
  },
})

const remove = defineCommand({
  name: ['user', 'remove'],
  summary: 'Remove an account and everything that is stored for it.',
  needs: 'store',
  args: [address],
  isDestructive: true,
  async run(context, { address }) {
    const { name, domain } = readAddress(context, address)
    if (!(await context.accounts(domain).remove(name))) throw new OperatorError(`there is no account ${name}@${domain}`)
    return { said: `${name}@${domain} is gone.`, data: { address: `${name}@${domain}` } }
  },
})

const retention = defineCommand({
  name: ['user', 'retention'],
  summary:
    'Show how long messages are kept for a user, or set it. What may not be kept any more is lost. With 1d or 7d, a copy of the database from before opens for the user until the longer time is over; with relay or delivered no copy opens any more.',
  needs: 'store',
  args: [address, { name: 'choice', text: 'relay, delivered, 1d, 7d or 30d; without it the choice is shown.', isOptional: true }],
  async run(context, { address: written, choice }) {
    const { name, domain } = readAddress(context, written)
    const address = `${name}@${domain}`
    const retention = context.retention(domain)
    if (choice !== undefined && !retention.possible.includes(choice))
      throw new OperatorError(`${choice} cannot be chosen here; there are: ${retention.possible.join(', ')}`)
    if (choice !== undefined && !(await retention.choose(name, choice))) throw new OperatorError(`there is no account ${address}`)
    const now = choice ?? (await retention.of(name))
    if (now === undefined) throw new OperatorError(`there is no account ${address}`)
    return { text: now, data: { address, retention: now } }
  },
})

export const userCommands = [add, list, password, remove, retention]

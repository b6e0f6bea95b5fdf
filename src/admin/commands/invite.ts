import { formatDuration, parseDuration } from '../../lib/duration.ts'
import { readDomain } from '../address.ts'
import { UsageError } from '../operator-error.ts'
import { defineCommand } from '../registry.ts'

const LONGEST = 28 * 86_400_000

const create = defineCommand({
  name: ['invite', 'create'],
  summary: 'Make an invitation: a link with which one person can make an account.',
  needs: 'store',
  args: [{ name: 'domain', text: 'Where the account will be; not needed where one domain is served.', isOptional: true }],
  flags: {
    name: { value: 'name', text: 'The name that the account will have.' },
    expires: { value: 'span', text: 'How long it holds, such as 12h or 7d; at most 28d.' },
  },
  async run(context, { domain, name, expires }) {
    const lifetime = expires === undefined ? undefined : parseDuration(expires)
    if (expires !== undefined && !(lifetime! > 0 && lifetime! <= LONGEST))
      throw new UsageError(`--expires must be a span of time such as 12h or 7d, at most ${formatDuration(LONGEST)}`)
    const invitation = await context.invites(readDomain(context, domain)).create({ name, lifetime })
    const until = new Date(invitation.expiresAt).toISOString()
    return { text: invitation.uri, said: `Good for one account, until ${until}.`, data: { ...invitation, expiresAt: until } }
  },
})

export const inviteCommands = [create]

import type { Context } from './context.ts'
import { nearest } from './nearest.ts'
import { OperatorError, UsageError } from './operator-error.ts'

/** Reads `alice@example.org`, or `alice` alone where only one domain is served. */
export function readAddress(context: Pick<Context, 'hosts'>, text: string): { readonly name: string; readonly domain: string } {
  const at = text.indexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  if (name === '' || text.includes('/')) throw new UsageError(`${text} is not an address such as alice@${context.hosts()[0]}`)
  return { name, domain: readDomain(context, at < 0 ? undefined : text.slice(at + 1), `${name}@`) }
}

/** Reads a domain that is served here; when none is given there must be one only. */
export function readDomain(context: Pick<Context, 'hosts'>, text: string | undefined, before = ''): string {
  const hosts = context.hosts()
  if (text === undefined) {
    if (hosts.length === 1) return hosts[0]!
    throw new UsageError(`several domains are served here; write ${hosts.map(host => before + host).join(' or ')}`)
  }
  const domain = text.toLowerCase()
  if (hosts.includes(domain)) return domain
  const meant = nearest(domain, hosts)
  throw new OperatorError(`${domain} is not served here; ${meant ? `did you mean ${meant}?` : `there are: ${hosts.join(', ')}`}`)
}

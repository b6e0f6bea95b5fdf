import type { IncomingMessage, RequestListener } from 'node:http'
import { domainToASCII } from 'node:url'

/** XEP-0156 §3: how else the server can be reached, such as `urn:xmpp:alt-connections:websocket`. */
export interface Link {
  readonly rel: string
  readonly href: string
}

/** The links of each domain (A-labels). The first domain answers for names that are not served. */
export type DomainLinks = ReadonlyMap<string, readonly Link[]>

/** RFC 6415 documents in XML and JSON, which pages of any origin may read (XEP-0156 §4.3). */
export function hostMetaRoutes(domains: DomainLinks): [path: string, route: RequestListener][] {
  const answer = (type: string, write: (links: readonly Link[]) => string) => answerWith(type, request => write(linksFor(domains, request)))
  return [
    ['/.well-known/host-meta', answer('application/xrd+xml', xrd)],
    ['/.well-known/host-meta.json', answer('application/json', links => JSON.stringify({ links }))],
  ]
}

function linksFor(domains: DomainLinks, { headers: { host = '' } }: IncomingMessage): readonly Link[] {
  return domains.get(domainToASCII(host.replace(/:\d+$/, ''))) ?? domains.values().next().value ?? []
}

function answerWith(type: string, body: (request: IncomingMessage) => string): RequestListener {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    return response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Access-Control-Allow-Origin': '*' }).end(body(request))
  }
}

function xrd(links: readonly Link[]): string {
  const lines = links.map(({ rel, href }) => `  <Link rel="${escaped(rel)}" href="${escaped(href)}"/>\n`)
  return `<?xml version="1.0" encoding="utf-8"?>\n<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n${lines.join('')}</XRD>\n`
}

function escaped(text: string): string {
  return text.replace(/[&<"]/g, character => `&#${character.charCodeAt(0)};`)
}

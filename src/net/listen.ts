import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

const BACKLOG = 1024

/** Where to listen: port 0 takes any free one; without `address`, on all addresses of the machine. */
export interface Endpoint {
  readonly port: number
  readonly address?: string
}

/** Opens `server` there and gives the port. Throws an `Error` whose message is a sentence for the operator. */
export async function listen(server: Server, { port, address }: Endpoint): Promise<number> {
  server.listen({ port, backlog: BACKLOG, ...(address !== undefined && { host: address, ipv6Only: address.includes(':') }) })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Error(sentenceOf((error as NodeJS.ErrnoException).code, port, address))
  }
  return (server.address() as AddressInfo).port
}

function sentenceOf(code: string | undefined, port: number, address: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is used by another program. Stop that program, or give this server another port in its settings.`
    case 'EACCES':
      return `Port ${port} may not be opened by the user this server runs as. Ports below 1024 need a permission of their own.`
    case 'EADDRNOTAVAIL':
      return `This machine does not have the address ${address}. Correct the address to listen on in the settings.`
    default:
      return `Port ${port} cannot be opened (${code}).`
  }
}

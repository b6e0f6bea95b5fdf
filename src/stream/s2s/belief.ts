import type { Socket } from '../../net/socket.ts'
import type { Why } from './parcel.ts'

/** How it is known that the other side is the domain's server: by its certificate, by DNS, by the web, or since the operator says so. */
export type Belief = 'pkix' | 'dane' | 'posh' | 'exception'

export type Judgement = { readonly isBelieved: true; readonly by: Belief } | { readonly isBelieved: false; readonly why: Why }

/** Whether the certificate that came over the socket is one for the domain. Never rejects. */
export type Judge = (socket: Socket, domain: string) => Promise<Judgement>

/** How a connection to a domain is made. Rejects with a `Failure`. */
export type Dial = (local: string, remote: string) => Promise<Socket>

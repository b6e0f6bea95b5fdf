import { randomBytes } from 'node:crypto'
import { messagesAcknowledged } from '../core/points.ts'
import type { Session } from '../core/session.ts'
import type { Element } from '../xml/element.ts'
import { Bind2, Sm } from './namespaces.ts'
import { type Connection, failed, readCount } from './connection.ts'
import { streamKey } from './management.ts'

/** RFC 6120 §7: the client's choice of resource, or one that tells nothing. Throws a StanzaError. */
export async function bindResource(connection: Connection, account: string, wanted: string | undefined): Promise<Session> {
  const resource = wanted === undefined || wanted === '' ? randomResource() : wanted
  const session = await connection.served!.host.bind(account, resource, connection)
  connection.bound(session)
  return session
}

const randomResource = (): string => randomBytes(12).toString('base64url')

/** XEP-0386: binds, and does what the client asked for inside; gives `<bound/>`. The tag is a part of the address only. */
export async function bindInline(connection: Connection, account: string, request: Element): Promise<{ session: Session; bound: Element }> {
  const tag = request.child(Bind2, 'tag')?.text.slice(0, 64)
  const session = await bindResource(connection, account, tag === undefined || tag === '' ? undefined : `${tag}/${randomResource()}`)
  const answers: Element[] = []
  for (const wish of request.elements()) {
    if (wish.is(Sm, 'enable')) answers.push(connection.management === undefined ? connection.manage(session, wish) : failed('unexpected-request'))
    else {
      const answer = connection.served!.host.stream.inlineHandler(wish)?.(session, wish)
      if (answer !== undefined) answers.push(answer)
    }
  }
  return { session, bound: Bind2('bound', {}, ...answers) }
}

/**
 * XEP-0198 §5: goes on with a stream of the same account, or says why not. `announce` sends the answer; it is called
 * before anything of the resumed stream is sent. True when the stream goes on.
 */
export async function resumeStream(connection: Connection, account: string, request: Element, announce: (answer: Element) => void): Promise<boolean> {
  const { streams, host } = connection.served!
  const id = request.attrs['previd'] ?? ''
  const h = readCount(request.attrs['h'])
  const management = streams.find(id, account)
  if (management === undefined) {
    // After a restart the stream is gone, but not what was kept of it: the client says what it has got of that.
    const island = host.accounts.of(account)
    const event = { account: island, position: { stream: streamKey(id), seq: h } }
    await island.turn.take(() => host.hooks.tell(messagesAcknowledged, event, host.failed))
    announce(failed('item-not-found'))
    return false
  }
  connection.resumed(management)
  management.resume(connection, h, announce)
  return true
}

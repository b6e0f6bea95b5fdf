import { messagesAcknowledged } from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { StreamError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { readCount } from '../count.ts'
import { Bind2, Sm } from '../namespaces.ts'
import { type Connection, failed } from './connection.ts'
import { streamKey } from './resumable-streams.ts'

/** RFC 6120 §7: the client's choice of resource, or one that tells nothing. Throws a StanzaError, or a StreamError if the client has gone. */
export async function bindResource(connection: Connection, account: string, wanted: string | undefined): Promise<Session> {
  const resource = wanted === undefined || wanted === '' ? randomResource() : wanted
  const { host } = connection.served!
  if (connection.isOutdated(account)) throw logInAgain() // before it ends sessions that wait for the client
  const session = await host.bind(account, resource, connection, connection.client)
  if (connection.isOutdated(account)) {
    host.end(session, logInAgain())
    throw logInAgain()
  }
  connection.bound(session)
  return session
}

const logInAgain = (): StreamError => new StreamError('not-authorized', 'log in again')

const randomResource = (): string => randomId(12)

const LONGEST_TAG = 64

/** XEP-0386: binds, and does what the client asked for inside; gives `<bound/>`. The tag is a part of the address only. */
export async function bindInline(connection: Connection, account: string, request: Element): Promise<{ session: Session; bound: Element }> {
  const session = await bindResource(connection, account, taggedResource(request.child(Bind2, 'tag')?.text))
  const answers: Element[] = []
  for (const wish of request.elements()) {
    if (wish.is(Sm, 'enable'))
      answers.push(connection.management === undefined ? connection.manage(session, wish) : failed('unexpected-request'))
    else {
      const answer = connection.served!.host.stream.inlineHandler(wish)?.(session, wish)
      if (answer !== undefined) answers.push(answer)
    }
  }
  for (const tell of connection.served!.host.stream.bound) {
    const told = await session.account.turn.take(() => tell(session))
    if (told !== undefined) answers.push(told)
  }
  return { session, bound: Bind2('bound', {}, ...answers) }
}

/** A tag that cannot be a part of an address is left out: it is there for people who look for faults (XEP-0386 §3.2). */
function taggedResource(tag: string | undefined): string | undefined {
  if (tag === undefined || tag === '' || tag.length > LONGEST_TAG) return undefined
  const resource = `${tag}/${randomResource()}`
  try {
    Jid.of('', 'tag.invalid', resource)
    return resource
  } catch {
    return undefined
  }
}

/**
 * XEP-0198 §5: goes on with a stream of the same account, or says why not. `announce` sends the answer; it is called
 * before anything of the resumed stream is sent. True when the stream goes on.
 */
export async function resumeStream(
  connection: Connection,
  account: string,
  request: Element,
  announce: (answer: Element) => void,
): Promise<boolean> {
  const { streams, host } = connection.served!
  const id = request.attrs['previd'] ?? ''
  const h = readCount(request.attrs['h'])
  await streams.find(id, account)?.settle()
  if (connection.isClosed) throw new StreamError('reset', 'the client has gone')
  if (connection.isOutdated(account)) throw logInAgain()
  const management = streams.find(id, account)
  if (management?.acknowledge(h) && management.wake()) {
    connection.resumed(management)
    management.resume(connection, announce)
    return true
  }
  if (management === undefined) {
    // After a restart the stream is gone, but not what was kept of it: the client says what it has got of that.
    const island = host.accounts.of(account)
    const event = { account: island, position: { stream: streamKey(id), seq: h } }
    await island.turn.take(() => host.hooks.tell(messagesAcknowledged, event, host.failed))
  }
  announce(failed('item-not-found'))
  return false
}

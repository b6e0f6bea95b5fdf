import type { Renaming } from '../xml/parser.ts'

/** The namespace that stanzas have on a stream (RFC 6120 §4.8.2): of a client, of another server, of a component (XEP-0114). */
export type ContentNamespace = 'jabber:client' | 'jabber:server' | 'jabber:component:accept'

/**
 * Inside the server stanzas are in `jabber:client`, wherever they come from and go to. The parser says so while it reads,
 * and a writer leaves the namespace out, so that it is that of the stream's header. So nothing is built anew, and what was
 * serialised for one kind of stream serves all of them. What says `jabber:client` of its own accord, deep inside, as
 * something that is forwarded does (XEP-0297), keeps saying it.
 */
export function renamingOf(namespace: ContentNamespace): Renaming | undefined {
  return namespace === 'jabber:client' ? undefined : { from: namespace, to: 'jabber:client' }
}

import { type Db, sql } from '../../storage/db.ts'
import type { Node } from './node.ts'
import { ClearRows } from './rows.ts'

/**
 * Of somebody whose account is removed nothing stays in a place that is not his own: whoever has his name next must not have his rights.
 * Gives the nodes that go with him, as nobody else owns them; others pass to an owner who is left.
 */
export async function removeTraces(db: Db, owner: string, jid: string): Promise<Node[]> {
  const rows = new ClearRows(db, owner)
  const gone: Node[] = []
  for (const node of await rows.nodes()) {
    if (node.creator !== jid && node.affiliations.get(jid) !== 'owner') continue
    const heir = [...node.affiliations].find(([other, affiliation]) => affiliation === 'owner' && other !== jid)?.[0]
    if (heir === undefined) {
      await rows.remove(node)
      gone.push(node)
    } else if (node.creator === jid)
      await db.run(sql`UPDATE pubsub_node SET creator = ${heir} WHERE account = ${owner} AND node = ${node.name}`)
  }
  await db.run(sql`DELETE FROM pubsub_affiliation WHERE account = ${owner} AND jid = ${jid}`)
  await db.run(sql`DELETE FROM pubsub_subscription WHERE account = ${owner}
    AND (jid = ${jid} OR substr(jid, 1, ${jid.length + 1}) = ${`${jid}/`})`)
  await db.run(sql`UPDATE pubsub_item SET publisher = '' WHERE account = ${owner} AND publisher = ${jid}`)
  await db.run(sql`DELETE FROM pubsub_moved WHERE account = ${owner} AND creator = ${jid}`)
  return gone
}

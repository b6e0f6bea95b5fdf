/** Looks at what waits on disk, as its owner could: for stories. */
import type { LocalHost } from '../src/core/host.ts'
import type { Secret } from '../src/lib/secret.ts'
import { Spool } from '../src/modules/offline/spool.ts'
import { parseElement } from '../src/xml/parser.ts'

/** The text of the first element of each message that waits for an account, behind it where it stands in a stream. `clientKey` is of SCRAM-SHA-256. */
export async function spooled(host: LocalHost, name: string, clientKey: Secret): Promise<{ text: string; seq: number | undefined }[]> {
  const wrap = (await host.store.credential(name, 'SHA-256'))?.wrap
  const account = host.accounts.of(name)
  return account.turn.take(async () => {
    if (!account.exists) return []
    const hold = await host.keys.hold(account, { kind: 'password', hash: 'SHA-256', clientKey, wrap }, () => {})
    try {
      const spool = spoolOf(host)
      const notes = await spool.notes(account)
      const messages = await spool.read(
        account,
        notes.map(({ ord }) => ord),
      )
      return messages.map(({ ord, xml }) => {
        const { place } = notes.find(note => note.ord === ord)!
        return { text: parseElement(xml).elements()[0]!.text, seq: place?.seq }
      })
    } finally {
      hold.release()
    }
  })
}

/** One beside that of the host, which hears of nothing. */
export const spoolOf = ({ accounts, db, clock, log, keys }: LocalHost): Spool => new Spool({ accounts, db, clock, log, keys, on() {} })

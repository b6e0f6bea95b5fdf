/** What the server of another domain does when it meets ours, as far as it does what it should. */
import assert from 'node:assert/strict'
import { type Credentials, type Ends, OFFERS, type Stranger, SUCCESS } from './stranger.ts'

export const messageOf = (from: string, to: string, body = 'hello'): string =>
  `<message from='${from}' to='${to}' type='chat'><body>${body}</body></message>`

export const keyFor = ({ from, to }: Ends, key: string): string => `<db:result from='${from}' to='${to}'>${key}</db:result>`

/** Has been called by our server, and believes it, by one mechanism or the other. */
export async function letIn(called: Stranger, { from, to }: Ends, mechanism: 'external' | 'dialback'): Promise<void> {
  if (mechanism === 'dialback') {
    const { attrs, text } = await called.hears('result')
    assert.deepEqual([attrs['from'], attrs['to'], text.length], [to, from, 64])
    called.send(`<db:result from='${from}' to='${to}' type='valid'/>`)
    return
  }
  const { attrs, text } = await called.hears('auth')
  assert.deepEqual([attrs['mechanism'], Buffer.from(text, 'base64').toString()], ['EXTERNAL', to])
  called.restart()
  called.send(SUCCESS)
  await called.hears('stream')
  called.send(called.open({ from, to }, 'stream-2'), '<stream:features/>')
}

/** Has been called by our server to be asked about a key, and says that it is right. False if it is not asked. */
export async function vouches(
  called: Stranger,
  ends: Ends,
  credentials: Credentials,
  { id, key }: { readonly id: string; readonly key: string },
): Promise<boolean> {
  if (!(await called.welcomes(ends, { credentials }, OFFERS.dialback))) return false
  const question = await called.hears('verify')
  assert.deepEqual([question.attrs['id'], question.text], [id, key])
  called.send(`<db:verify from='${ends.from}' to='${ends.to}' id='${id}' type='valid'/>`)
  return true
}

import assert from 'node:assert/strict'
import type { Client } from '../../faults/client.ts'
import { type Day, runCommand, xml } from '../day.ts'

const MAM = 'urn:xmpp:mam:2'

/** The operator and a user say how long messages are kept, and the user whose. */
export async function choose(day: Day): Promise<void> {
  const { mint, server } = day
  server.command(['user', 'retention', day.jid('eve'), 'delivered'])
  const bob = await day.online(day.login('bob', 'chooses'), mint.word('resource', 'chooses'))
  await runCommand(bob, day.jid('bob'), 'urn:xmpp:mam#configure', { keep: '30d' })
  const list = (name: string): string =>
    xml`${mint.known('address in a list of the archive', `${mint.word('address in a list of the archive', name)}@${mint.domain('address in a list of the archive', name)}`)}`
  const answer = await bob.asks(
    'set',
    `<prefs xmlns="${MAM}" default="always"><always><jid>${list('always')}</jid></always><never><jid>${list('never')}</jid></never></prefs>`,
  )
  assert.equal(answer.attrs['type'], 'result', String(answer))
  await bob.leave()
}

/** A user looks into the archive, takes a message back, and deletes all of an archive. */
export async function lookBack(day: Day): Promise<void> {
  const { mint } = day
  const alice = await day.online(day.login('alice', 'looks back'), mint.word('resource', 'looks back'))
  const page = `<set xmlns="http://jabber.org/protocol/rsm"><max>20</max><before/></set>`
  assert.equal((await alice.asks('set', `<query xmlns="${MAM}">${page}</query>`)).attrs['type'], 'result')
  const filter = xml`<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="with"><value>${day.jid('bob')}</value></field></x>`
  assert.equal((await alice.asks('set', `<query xmlns="${MAM}">${filter}${page}</query>`)).attrs['type'], 'result')
  await alice.asks('get', `<metadata xmlns="${MAM}"/>`)
  const id = mint.word('id of a message', 'taken back')
  alice.send(
    xml`<message type="chat" id="${id}" to="${day.jid('alice')}"><body>${mint.text('body of a message that was taken back')}</body></message>`,
  )
  await settled(alice)
  alice.send(
    xml`<message type="chat" id="back" to="${day.jid('alice')}"><retract xmlns="urn:xmpp:message-retract:1" id="${id}"/><store xmlns="urn:xmpp:hints"/></message>`,
  )
  await settled(alice)
  await alice.leave()

  const guest = await day.online(day.login('guest', 'deletes'), mint.word('resource', 'deletes'))
  guest.send(xml`<message type="chat" to="${day.jid('guest')}"><body>${mint.text('body of a message that was deleted')}</body></message>`)
  await settled(guest)
  assert.equal((await guest.asks('set', '<trim xmlns="urn:xmpp:mamtrim:0"/>')).attrs['type'], 'result')
  await guest.leave()
}

/** What was sent before is dealt with, and on disk where it must be. */
async function settled(client: Client): Promise<void> {
  await client.asks('set', `<query xmlns="${MAM}"><set xmlns="http://jabber.org/protocol/rsm"><max>1</max><before/></set></query>`)
}

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { within } from '../../faults/within.ts'
import { type Day, xml } from '../day.ts'

/** A gateway comes, its users talk with ours, and it goes (XEP-0114). */
export async function meetGateway(day: Day): Promise<void> {
  const { mint, server, gateway } = day
  const socket = connect({ host: '127.0.0.1', port: server.component })
  let said = ''
  socket.on('data', bytes => (said += bytes)).on('error', () => {})
  const hears = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const listen = async (): Promise<void> => {
      while (!pattern.test(said)) await once(socket, 'data')
    }
    await within(10_000, listen(), String(pattern))
    return pattern.exec(said)!
  }
  socket.write(xml`<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams" to="${gateway.domain}">`)
  const [, id] = await hears(/ id='([^']+)'/)
  socket.write(
    `<handshake>${createHash('sha1')
      .update(id! + gateway.secret)
      .digest('hex')}</handshake>`,
  )
  await hears(/<handshake\/>/)

  const alice = await day.online(day.login('alice', 'meets a gateway'), mint.word('resource', 'meets a gateway'))
  const irc = `${mint.word('user of a component')}@${gateway.domain}`
  alice.send(xml`<message to="${irc}"><body>${mint.text('body of a message', 'to a component')}</body></message>`)
  await hears(/<body>/)
  socket.write(
    xml`<message from="${irc}" to="${day.jid('alice')}"><body>${mint.text('body of a message', 'from a component')}</body></message>`,
  )
  socket.write(
    xml`<message from="${irc}" to="${day.jid('bob')}"><body>${mint.text('body of a message that was fetched', 'from a component')}</body></message>`,
  )
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  await alice.leave()
  socket.end('</stream:stream>')
}

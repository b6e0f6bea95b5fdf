/** The whole way over a real connection. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ComponentScene, headerTo, SECRET } from '../../../test/component-story.ts'
import { World } from '../../../test/story.ts'
import { Certificates } from '../../net/certificates.ts'
import { Gate } from '../../net/gate.ts'
import { Listeners } from '../../net/listeners.ts'
import { handshakeFor } from './handshake.ts'

const data = mkdtempSync(join(tmpdir(), 'component-'))
const scene = new ComponentScene(await World.open({}))
const listeners = new Listeners({
  certificates: new Certificates([{ domain: 'here.example' }], data),
  gate: new Gate(scene.peers, { total: 10, perNetwork: 10 }),
})
after(async () => {
  listeners.close()
  scene.streams.close()
  await scene.world.store.close()
  rmSync(data, { recursive: true })
})

test('XEP-0114: a component connects in plaintext, and the server ends its stream in good order', async () => {
  const address = '127.0.0.1'
  const onConnection = scene.streams.accept.bind(scene.streams)
  const port = await listeners.open({ kind: 'tcp', role: 'component', address, port: 0, onConnection })
  const socket = connect(port, address).setEncoding('utf8')
  let got = ''
  socket.on('data', text => (got += text))
  const until = async (end: string): Promise<void> => {
    while (!got.endsWith(end)) await once(socket, 'data')
  }
  socket.write(headerTo('plays.example'))
  await until('>')
  socket.write(`<handshake>${handshakeFor(/ id='([^']+)'/.exec(got)![1]!, SECRET)}</handshake>`)
  await until('<handshake/>')
  socket.write('<iq from="plays.example" to="here.example" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>')
  await until(`<iq type='result' id='p' to='plays.example' from='here.example'/>`)
  socket.write('</stream:stream>')
  await until('</stream:stream>')
  await once(socket, 'close')
  assert.equal(scene.streams.connected, 0)
  assert.deepEqual(scene.faults, [])
})

import assert from 'node:assert/strict'
import { story, type World } from '../../test/story.ts'
import type { Element } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import type { Account } from './account.ts'
import { Hibernation, outlineOf } from './hibernation.ts'

const message = (inside: string, attrs = 'type="chat"'): Element =>
  parseElement(
    `<message ${attrs} id="m" from="romeo@here.example/phone" to="juliet@here.example">${inside}</message>`,
    undefined,
    'jabber:client',
  )

/** Juliet has an account, and nobody is connected. */
async function asleep(world: World): Promise<{ account: Account; hibernation: Hibernation }> {
  const juliet = await world.connect('juliet')
  await juliet.leaves()
  const { account } = juliet.session
  return { account, hibernation: Hibernation.of(account, world.host.keys)! }
}

const texts = (opened: readonly Element[] | undefined): string[] | undefined => opened?.map(({ children }) => String(children[0]))

story('what is sealed is opened by its owner alone, in any order', async world => {
  const { hibernation } = await asleep(world)
  const sealed = ['one', 'two', 'three'].map(text => hibernation.seal(message(text), false))
  assert.equal(hibernation.open(sealed), undefined)
  await world.connect('juliet')
  assert.deepEqual(texts(hibernation.open([sealed[2]!, sealed[0]!])), ['three', 'one'])
  const [whole] = hibernation.open([sealed[1]!])!
  assert.equal(String(whole), String(message('two')))
})

story('what was sealed before a new password opens after it, and after a lost one never again', async world => {
  const { account, hibernation } = await asleep(world)
  const sealed = [hibernation.seal(message('one'), false)]
  const juliet = await world.connect('juliet')
  await world.host.life.changePassword(account, 'another', juliet.session.jid)
  assert.deepEqual(texts(hibernation.open(sealed)), ['one'])
  await world.host.life.resetPassword('juliet', 'a third one')
  await world.connect('juliet', 'laptop', 'a third one')
  assert.equal(hibernation.open(sealed), undefined)
})

story('neither text nor addresses stand in what is sealed', async world => {
  const { hibernation } = await asleep(world)
  const { box, reply } = hibernation.seal(message('wherefore'), false)
  for (const bytes of [box, reply!]) for (const word of ['wherefore', 'romeo', 'juliet', 'message']) assert.ok(!bytes.includes(word), word)
  assert.equal(hibernation.seal(message('wherefore'), true).reply, undefined)
})

story('while nobody is there, enough of it can be read to tell its sender that it failed', async world => {
  const { hibernation } = await asleep(world)
  const secret = message('<body>secret</body><no-store xmlns="urn:xmpp:hints">more</no-store><stanza-id xmlns="urn:xmpp:sid:0" id="i"/>')
  const outline = hibernation.openReply(hibernation.seal(secret, false))
  assert.equal(
    String(outline),
    "<message xmlns='jabber:client' type='chat' id='m' from='romeo@here.example/phone' to='juliet@here.example'><no-store xmlns='urn:xmpp:hints'/><stanza-id xmlns='urn:xmpp:sid:0' id='i'/></message>",
  )
  hibernation.end()
  assert.throws(() => hibernation.seal(secret, false), /no secret/)
})

story('nobody need be told of presence, errors, headlines and answers', async () => {
  const silent = [message('', 'type="error"'), message('', 'type="headline"')]
  for (const xml of ['<presence/>', '<presence type="subscribe"/>', '<iq type="result"/>', '<iq type="error"/>'])
    silent.push(parseElement(xml, undefined, 'jabber:client'))
  for (const stanza of silent) assert.equal(outlineOf(stanza), undefined)
  assert.ok(outlineOf(parseElement('<iq type="get"><x/></iq>', undefined, 'jabber:client')))
})

story('an account without a key cannot be sealed to', async world => {
  assert.equal(Hibernation.of(world.host.accounts.of('nobody'), world.host.keys), undefined)
})

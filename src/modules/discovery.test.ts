import { story } from '../../test/story.ts'
import { discovery } from './discovery.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const ask = (ns: string, to = '', node = ''): string =>
  `<iq type="get" id="d1"${to && ` to="${to}"`}><query xmlns="${ns}"${node && ` node="${node}"`}/></iq>`

story('XEP-0030 §3.1: the server says what it is and what it can do', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(ask(INFO, 'here.example'))
  romeo.receives(`<iq type="result" id="d1" from="here.example"><query xmlns="${INFO}">
    <identity category="server" type="im"/><feature var="${INFO}"/><feature var="${ITEMS}"/><feature var="urn:xmpp:ping"/></query></iq>`)
})

story('XEP-0030 §4.1: where there are no items, the list is empty', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(ask(ITEMS, 'romeo@here.example'))
  romeo.receives(`<iq type="result" id="d1"><query xmlns="${ITEMS}"/></iq>`)
})

story('XEP-0030 §3.1: an account says to its owner what it can do', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(ask(INFO))
  romeo.receives(`<iq type="result" id="d1" from="romeo@here.example"><query xmlns="${INFO}">
    <identity category="account" type="registered"/><feature var="${INFO}"/></query></iq>`)
})

story('XEP-0030 §8: a stranger cannot tell an account from one that does not exist', async world => {
  const romeo = await world.connect('romeo')
  await world.connect('juliet')
  for (const account of ['juliet', 'nobody']) {
    for (const ns of [INFO, ITEMS]) {
      for (const node of ['', 'urn:example:unknown']) {
        await romeo.sends(ask(ns, `${account}@here.example`, node))
        romeo.receivesError('d1', 'service-unavailable')
      }
    }
  }
})

story('XEP-0030 §8: who may see an account’s presence may see what it can do', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await romeo.sends(ask(INFO, 'juliet@here.example'))
  romeo.receives(
    `<iq type="result" id="d1" from="juliet@here.example"><query xmlns="${INFO}"><identity category="account" type="registered"/></query></iq>`,
  )
  await romeo.sends(ask(ITEMS, 'juliet@here.example'))
  romeo.receives(`<iq type="result" id="d1"><query xmlns="${ITEMS}"/></iq>`)
})

story('XEP-0030 §7: there is no node that nobody knows', async world => {
  const romeo = await world.connect('romeo')
  for (const ns of [INFO, ITEMS]) {
    for (const to of ['here.example', 'romeo@here.example']) {
      await romeo.sends(ask(ns, to, 'urn:example:unknown'))
      romeo.receivesError('d1', 'item-not-found')
    }
  }
})

story('XEP-0030 §3.2: other modules add items and nodes', async world => {
  const { host } = world.host.apiOf(discovery)
  host.items.push(() => [{ jid: 'here.example', node: 'shelf', name: 'A shelf' }])
  host.nodes.push({
    info: node => (node === 'shelf' ? { identities: [{ category: 'hierarchy', type: 'branch' }], features: [], forms: [] } : undefined),
    items: node => (node === 'shelf' ? [{ jid: 'books.here.example' }] : undefined),
  })
  const romeo = await world.connect('romeo')
  await romeo.sends(ask(ITEMS, 'here.example'))
  romeo.receives(`<iq type="result"><query xmlns="${ITEMS}"><item jid="here.example" node="shelf" name="A shelf"/></query></iq>`)
  await romeo.sends(ask(INFO, 'here.example', 'shelf'))
  romeo.receives(`<iq type="result"><query xmlns="${INFO}" node="shelf"><identity category="hierarchy" type="branch"/></query></iq>`)
  await romeo.sends(ask(ITEMS, 'here.example', 'shelf'))
  romeo.receives(`<iq type="result"><query xmlns="${ITEMS}" node="shelf"><item jid="books.here.example"/></query></iq>`)
})

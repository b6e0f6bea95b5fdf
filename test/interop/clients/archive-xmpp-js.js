/** What one asks an archive by hand: @xmpp/client knows nothing of XEP-0313 and is given the stanzas. */
import { xml } from '@xmpp/client'

const Archive = 'urn:xmpp:mam:2'
const Pages = 'http://jabber.org/protocol/rsm'
const StanzaIds = 'urn:xmpp:sid:0'

/** What a message says of itself, and the id that the account's own server gave it (XEP-0359). */
export function described(message, account) {
  const { id, from, to } = message.attrs
  const ids = message.getChildren('stanza-id', StanzaIds).filter(({ attrs }) => attrs.by === account)
  return { id, from, to, body: message.getChildText('body'), stanzaId: ids[0]?.attrs.id }
}

/** `request` gives the payload of the answer. */
export function archiveCommands(xmpp, account, request, tell) {
  async function page({ max, before, after, isFlipped, ...limits }) {
    const queryid = crypto.randomUUID()
    const fields = Object.entries({ FORM_TYPE: Archive, ...limits }).map(([name, value]) => fieldOf(name, value))
    const set = Object.entries({ max, before, after }).filter(([, value]) => value !== undefined)
    const found = []
    const collect = stanza => {
      const result = stanza.getChild('result', Archive)
      if (result?.attrs.queryid === queryid) found.push(resultOf(result))
    }
    xmpp.on('stanza', collect)
    const fin = await request(
      'set',
      xml(
        'query',
        { xmlns: Archive, queryid },
        xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, ...fields),
        xml('set', { xmlns: Pages }, ...set.map(([name, value]) => xml(name, {}, String(value)))),
        isFlipped && xml('flip-page', {}),
      ),
    ).finally(() => xmpp.off('stanza', collect))
    const { complete } = fin.attrs
    const ends = fin.getChild('set', Pages)
    return { messages: found, isComplete: complete === 'true', first: ends?.getChildText('first'), last: ends?.getChildText('last') }
  }

  async function all({ isBackwards, max, ...limits }) {
    const messages = []
    for (let end = isBackwards ? { before: '' } : {}; ; ) {
      const { messages: more, first, last, isComplete } = await page({ max, ...end, ...limits })
      if (isBackwards) messages.unshift(...more)
      else messages.push(...more)
      if (isComplete) return messages
      end = isBackwards ? { before: first } : { after: last }
    }
  }

  async function preferences(type, payload) {
    const prefs = await request(type, payload)
    const jids = list => (prefs.getChild(list)?.getChildren('jid') ?? []).map(jid => jid.text()).sort()
    tell('preferences', { usual: prefs.attrs.default, always: jids('always'), never: jids('never') })
  }

  return {
    page: async limits => tell('page', await page(limits)),
    all: async limits => tell('history', { messages: await all(limits) }),
    metadata: async () => {
      const answer = await request('get', xml('metadata', { xmlns: Archive }))
      const end = name => ({ stanzaId: answer.getChild(name)?.attrs.id, stamp: answer.getChild(name)?.attrs.timestamp })
      tell('metadata', { start: end('start'), end: end('end') })
    },
    /** Deletes all, or all up to one. */
    trim: async ({ id }) => {
      await request('set', xml('trim', { xmlns: 'urn:xmpp:mamtrim:0' }, id && xml('id', {}, id)))
      tell('trimmed')
    },
    preferences: () => preferences('get', xml('prefs', { xmlns: Archive })),
    prefer: ({ usual, always, never }) => {
      const jids = list => list.map(jid => xml('jid', {}, jid))
      return preferences(
        'set',
        xml('prefs', { xmlns: Archive, default: usual }, xml('always', {}, ...jids(always)), xml('never', {}, ...jids(never))),
      )
    },
    'change-password': async ({ password }) => {
      const fields = [xml('username', {}, account.split('@')[0]), xml('password', {}, password)]
      await request('set', xml('query', { xmlns: 'jabber:iq:register' }, ...fields), account.split('@')[1])
      tell('password')
    },
  }
}

function fieldOf(name, values) {
  const type = name === 'FORM_TYPE' ? 'hidden' : undefined
  return xml('field', { var: name, type }, ...[values].flat().map(value => xml('value', {}, value)))
}

function resultOf(result) {
  const forwarded = result.getChild('forwarded', 'urn:xmpp:forward:0')
  const { stamp } = forwarded.getChild('delay', 'urn:xmpp:delay').attrs
  return { ...described(forwarded.getChild('message')), stanzaId: result.attrs.id, stamp }
}

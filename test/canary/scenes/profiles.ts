import assert from 'node:assert/strict'
import type { Client } from '../../faults/client.ts'
import { type Day, xml } from '../day.ts'

const PING = '<ping xmlns="urn:xmpp:ping"/>'

/** What users show of themselves, and what their clients share, in formats that the server converts. */
export async function showThemselves(day: Day): Promise<void> {
  const { mint } = day
  const eve = await day.online(day.login('eve', 'shows herself'), mint.word('resource', 'shows'))
  await setCard(eve, photo(mint.text('avatar that was taken away')))
  await setCard(eve, xml`<FN>${mint.text('vCard', 'without a photo')}</FN>`)
  await setCard(eve, xml`<FN>${mint.text('vCard', 'with a photo')}</FN>` + photo(mint.text('avatar')))
  const room = `${mint.word('address of a bookmark', 'in a list')}@${mint.domain('address of a bookmark', 'in a list, domain')}`
  const bookmark = xml`<conference jid="${room}" name="${mint.text('private item', 'bookmark in a list')}"/>`
  const page = xml`<url name="${mint.text('private item', 'bookmark of a page')}" url="https://${mint.domain('private item', 'page')}/"/>`
  await set(eve, `<query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks">${bookmark}${page}</storage></query>`)
  const marker = xml`<stanza-id xmlns="urn:xmpp:sid:0" by="${day.jid('eve')}" id="${mint.word('private item', 'marker')}"/>`
  eve.send(
    xml`<message to="${day.jid('bob')}">` +
      `<displayed xmlns="urn:xmpp:chat-markers:0" id="x"/><displayed xmlns="urn:xmpp:mds:displayed:0">${marker}</displayed></message>`,
  )
  await eve.asks('get', PING)
  await eve.leave()
}

const setCard = (client: Client, inside: string): Promise<void> => set(client, `<vCard xmlns="vcard-temp">${inside}</vCard>`)

async function set(client: Client, payload: string): Promise<void> {
  const answer = await client.asks('set', payload)
  assert.equal(answer.attrs['type'], 'result', String(answer))
}

/** An image as far as its first bytes go. */
const photo = (text: string): string =>
  `<PHOTO><TYPE>image/gif</TYPE><BINVAL>${Buffer.from(`GIF89a\0\0\0\0${text}`).toString('base64')}</BINVAL></PHOTO>`

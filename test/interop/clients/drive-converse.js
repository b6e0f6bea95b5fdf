/** Converse.js in a page, with what the test does in it and sees of it. Its settings are in the address of the page. */
import converse from '/dist/converse.min.js'
import { roomDriver } from '/driver-rooms.js'

const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)))
const idByServer = `stanza_id ${settings.jid}`
const omemo = ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2']
const all = selector => Array.from(document.querySelectorAll(selector))
const found = async selector => {
  while (document.querySelector(selector) === null) await new Promise(requestAnimationFrame)
  return document.querySelector(selector)
}

converse.plugins.add('driver', {
  initialize() {
    const { api, state } = this._converse
    let chat
    let asking
    const wire = { came: '', went: '' }
    api.listen.on('connectionInitialized', () => {
      const rawInput = xml => void (wire.came += xml)
      const rawOutput = xml => void (wire.went += xml)
      Object.assign(api.connection.get(), { rawInput, rawOutput })
    })
    const expect = topic => void (asking = { topic, since: wire.went.length })
    const openProfile = async tab => {
      api.modal.show('converse-profile-modal', { model: state.profile })
      ;(await found(`#${tab}-tab`)).click()
    }
    globalThis.driver = {
      isConnected: () => api.connection.connected(),
      open: async jid => {
        chat = await api.chats.open(jid, {}, true)
      },
      /** The texts that stand in the open chat, from above to below. Of a long one it is a part. */
      shown: () => all('converse-chat-message .chat-msg__text').map(({ textContent }) => textContent.trim()),
      /** All that would be shown in that chat, in that order, with the ids that the messages have in the archive. */
      known: () =>
        chat.messages
          .filter(message => message.get('body'))
          .map(message => ({ body: message.getMessageText(), stanzaId: message.get(idByServer) })),
      /** Whether the server has told it of its own device, for both kinds of OMEMO. */
      isAnnounced: async () => {
        const own = await api.omemo.getDeviceID()
        const lists = wire.came.match(/<items [^>]*axolotl.devicelist.*?<.items>|<items [^>]*omemo:2:devices.*?<.items>/g) ?? []
        return new Set(lists.filter(list => list.includes(own)).map(list => list.includes('omemo:2'))).size === 2
      },
      /** Whether what is written here will be encrypted. */
      isEncrypting: () => chat.get('omemo_supported') && chat.get('omemo_active'),
      /** How many devices it knows of this address, for each kind. */
      devices: jid => Promise.all(omemo.map(async kind => (await api.omemo.devicelists.get(jid, true, kind)).devices.length)),
      /** Which of the messages in that chat were encrypted, and nowhere to be read between here and the server. */
      secrets: () => {
        const texts = chat.messages.filter(message => message.get('is_encrypted')).map(message => message.getMessageText())
        return texts.filter(text => !wire.came.includes(text) && !wire.went.includes(text))
      },
      /** Gives how many places there are where the client knows something to be missing. It fetches that when such a place is seen. */
      scrollUp: () => {
        all('converse-chat-message, converse-mam-placeholder')[0]?.scrollIntoView()
        return all('converse-mam-placeholder').length
      },
      write: async text => {
        const box = await found('textarea.chat-textarea')
        box.value = text
        box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
      },
      changePassword: async password => {
        await openProfile('passwordreset')
        const form = await found('.passwordreset-form')
        for (const field of form.querySelectorAll('input[type=password]')) field.value = password
        form.requestSubmit()
      },
      chooseAvatar: async colour => {
        await openProfile('profile')
        const field = await found('input[name=avatar_image]')
        const chosen = new DataTransfer()
        chosen.items.add(new File([await paint(colour)], 'avatar.png', { type: 'image/png' }))
        field.files = chosen.files
        field.form.requestSubmit()
      },
      ownAvatar: () => state.profile.vcard?.get('image'),
      paint: async colour => btoa(String.fromCharCode(...new Uint8Array(await (await paint(colour)).arrayBuffer()))),
      /** The colour of the picture of the one that is talked with. */
      avatar: async () => {
        const image = document.querySelector('.chat-head converse-avatar image')
        return image === null ? undefined : colourOf(image.getAttribute('href'))
      },
      /** Whether the server has done what was asked last. */
      isDone: () => {
        const asked =
          wire.went
            .slice(asking.since)
            .match(/<iq .*?<.iq>/g)
            ?.filter(request => request.includes(asking.topic)) ?? []
        const answers = wire.came.match(/<iq [^>]*>/g) ?? []
        const tags = asked.map(request => answers.find(answer => answer.includes(/ id="(.*?)"/.exec(request)[1])))
        const refusal = tags.find(tag => /type=.error/.test(tag))
        if (refusal !== undefined) throw new Error(wire.came.slice(wire.came.indexOf(refusal)).slice(0, 1000))
        return asked.length > 0 && !tags.includes(undefined)
      },
      bookmark: async (jid, name, nick) => {
        expect(jid)
        await api.bookmarks.set({ jid, name, nick, autojoin: false })
      },
      unbookmark: async jid => {
        expect(jid)
        ;(await api.bookmarks.get(jid)).destroy()
      },
      bookmarks: () => state.bookmarks?.map(mark => `${mark.get('name')} <${mark.get('jid')}> as ${mark.get('nick')}`).sort(),
      /** Whether all is on disk that would be shown. It writes a little later, and believes after a restart that it knows what it showed. */
      isKept: async () => (await chat.messages.storage.findAll()).length >= globalThis.driver.known().length,
      ...roomDriver(api, opened => (chat = opened ?? chat), expect, found),
      says: text => document.body.textContent.includes(text),
      logout: () => api.user.logout(),
    }
  },
})

function paint(colour) {
  const canvas = new OffscreenCanvas(64, 64)
  const context = canvas.getContext('2d')
  context.fillStyle = colour
  context.fillRect(0, 0, 64, 64)
  return canvas.convertToBlob({ type: 'image/png' })
}

async function colourOf(url) {
  const canvas = new OffscreenCanvas(1, 1)
  const context = canvas.getContext('2d')
  context.drawImage(await createImageBitmap(await (await fetch(url)).blob()), 0, 0, 1, 1)
  return `#${Array.from(context.getImageData(0, 0, 1, 1).data.slice(0, 3), part => part.toString(16).padStart(2, '0')).join('')}`
}

converse.initialize({
  assets_path: '/dist/',
  auto_login: true,
  discover_connection_methods: false,
  i18n: 'en',
  play_sounds: false,
  view_mode: 'fullscreen',
  whitelisted_plugins: ['driver'],
  ...settings,
})

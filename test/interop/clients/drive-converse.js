/** Converse.js in a page, with what the test does in it and sees of it. Its settings are in the address of the page. */
import converse from '/dist/converse.min.js'

const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)))
const idByServer = `stanza_id ${settings.jid}`
const all = selector => Array.from(document.querySelectorAll(selector))
const found = async selector => {
  while (document.querySelector(selector) === null) await new Promise(requestAnimationFrame)
  return document.querySelector(selector)
}

converse.plugins.add('driver', {
  initialize() {
    const { api, state } = this._converse
    let chat
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
          .map(message => ({ body: message.get('body'), stanzaId: message.get(idByServer) })),
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
        api.modal.show('converse-profile-modal', { model: state.profile })
        ;(await found('#passwordreset-tab')).click()
        const form = await found('.passwordreset-form')
        for (const field of form.querySelectorAll('input[type=password]')) field.value = password
        form.requestSubmit()
      },
      /** Whether all is on disk that would be shown. It writes a little later, and believes after a restart that it knows what it showed. */
      isKept: async () => (await chat.messages.storage.findAll()).length >= globalThis.driver.known().length,
      says: text => document.body.textContent.includes(text),
      logout: () => api.user.logout(),
    }
  },
})

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

/** What the test does in rooms with Converse.js, and sees of them. */

/** `turn` gives the open chat, or opens another one; `expect` says what answers to wait for next; `found` waits for an element. */
export function roomDriver(api, turn, expect, found) {
  const messages = () => turn().messages.filter(message => message.get('type') === 'groupchat')
  return {
    enter: async (jid, nick, roomconfig) => {
      const configuring = roomconfig === undefined ? {} : { auto_configure: true, roomconfig }
      expect('type="submit"')
      turn(await api.rooms.open(jid, { nick, ...configuring }, true))
    },
    /** Types the password, where the room wants one. */
    unlock: async password => {
      const field = await found('converse-muc-password-form input[type=password]')
      field.value = password
      field.form.requestSubmit()
    },
    /** What stands beside the password that was wrong. */
    complaint: () => document.querySelector('converse-muc-password-form .validation-message')?.textContent,
    isInRoom: () => turn().isEntered(),
    leave: () => turn().close(),
    /** Who is in the room. */
    present: () =>
      turn()
        .occupants.filter(occupant => occupant.get('presence') === 'online')
        .map(occupant => occupant.get('nick')),
    roleOf: nick => turn().getOccupant(nick)?.get('role'),
    hatsOf: nick =>
      turn()
        .getOccupant(nick)
        ?.get('hats')
        .map(({ title }) => title),
    /** Who said what there, or that nobody can read it any more. */
    transcript: () =>
      messages()
        .filter(message => message.isRetracted() || message.get('body'))
        .map(message => `${message.get('nick')}: ${message.isRetracted() ? '(gone)' : message.getMessageText()}`),
    subject: () => turn().get('subject')?.text,
    /** What stands there instead of the room. */
    farewell: () => Array.from(document.querySelectorAll('.disconnect-msg'), ({ textContent }) => textContent.trim()),
    invite: (jid, reason) => turn().directInvite(jid, reason),
    /** Says it to one of them alone. */
    whisper: async (nick, body) => void (await turn().getOccupant(nick).sendMessage({ body })),
    whispered: nick =>
      turn()
        .getOccupant(nick)
        ?.messages.map(message => message.getMessageText()) ?? [],
    /** As its author, or as a moderator where it is another's. */
    retract: async (body, reason) => {
      const message = messages().find(said => said.get('body') === body)
      if (message.mayBeRetracted()) return void (await turn().retractOwnMessage(message))
      if (!(await message.mayBeModerated())) throw new Error('Converse.js offers no moderation')
      await turn().retractOtherMessage(message, reason)
    },
  }
}

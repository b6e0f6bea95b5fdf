import { escapeText } from '../../../src/xml/element.ts'
import { Client, type Login } from '../../faults/client.ts'

/** Makes an account by XEP-0077, where everybody may. */
export async function register(login: Login): Promise<void> {
  const client = await Client.connect(login)
  const [name, password] = [escapeText(login.name), escapeText(login.password)]
  await client.asksBeforeLogin(
    'set',
    `<query xmlns="jabber:iq:register"><username>${name}</username><password>${password}</password></query>`,
  )
  await client.leave()
}

import { Browser, type BrowserOptions } from '../../privacy/browser.ts'
import { type Day, runCommand, type Who, xml } from '../day.ts'

/** A browser tells all that browsers and XEP-0388 tell; once the user wants to have its name remembered, and once it comes through a proxy. */
export async function browse(day: Day): Promise<void> {
  const { mint, server } = day
  const alice = await day.online(day.login('alice', 'wants names'), mint.word('resource', 'wants names'))
  await runCommand(alice, day.jid('alice'), 'remember-clients', { remember: '1' })
  await alice.leave()
  const direct = { localAddress: mint.address('IP address', 'of a browser') }
  await surf(day, 'alice', `wss://127.0.0.1:${server.https}`, direct, 'name of a device that is remembered')
  const addresses = [mint.address('IP address', 'before a proxy'), mint.address('IP address', 'as a proxy says')]
  await surf(day, 'bob', `ws://127.0.0.1:${server.http}`, { headers: { 'x-forwarded-for': addresses.join(', ') } }, 'name of a device')
}

const headers = ({ mint }: Day): Record<string, string> => ({
  'user-agent': mint.word('browser', 'User-Agent'),
  'x-forwarded-for': mint.address('IP address', 'in a header of a client'),
  origin: `https://${mint.domain('browser', 'origin')}`,
  referer: `https://${mint.domain('browser', 'referer')}/`,
  cookie: `a=${mint.word('browser', 'cookie')}`,
  'accept-language': mint.word('browser', 'language'),
})

async function surf(day: Day, who: Who, url: string, options: BrowserOptions, device: string): Promise<void> {
  const { mint, names, passwords, server } = day
  const agent = xml`<user-agent id="${mint.word('id of a device')}"><software>${mint.text(device, 'software')}</software><device>${mint.text(device)}</device></user-agent>`
  const bind = xml`<bind xmlns="urn:xmpp:bind:0"><tag>${mint.word('tag of a device')}</tag></bind>`
  const browser = new Browser(names[who], passwords[who], agent)
  const open = (): Promise<void> =>
    browser.open(url, server.domain, {
      query: `?${mint.word('browser', 'query')}`,
      ...options,
      headers: { ...headers(day), ...options.headers },
    })
  await open()
  await browser.logIn(bind)
  mint.known('proof of a login', browser.scram.proof, 'of a browser')
  mint.known('key of a login', browser.scram.clientKey, 'of a browser')
  mint.known('salted password', browser.saltedPassword, 'of an upgrade')
  mint.known('token', browser.token)
  browser.send('<presence xmlns="jabber:client"/>')
  await browser.close()
  await open()
  await browser.comeBack(bind)
  mint.known('proof of a token', browser.proof)
  mint.known('token', browser.token, 'another one')
  await browser.close()
}

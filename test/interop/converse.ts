import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { Browser, type Page } from './browser.ts'
import type { Server } from './server.ts'

const DIST = join(import.meta.dirname, 'node_modules/converse.js/dist')
const DRIVER = join(import.meta.dirname, 'clients/drive-converse.js')
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}
const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Converse</title><link rel="stylesheet" href="/dist/converse.min.css">
<body class="converse-fullscreen"><script type="module" src="/driver.js"></script></body></html>`

interface Known {
  readonly body: string
  readonly stanzaId: string
}

/** A web site with Converse.js, and a browser that opens it. */
export class ConverseSite implements AsyncDisposable {
  readonly #server: Server
  readonly #http: HttpServer
  readonly #browser: Browser

  private constructor(server: Server, http: HttpServer, browser: Browser) {
    this.#server = server
    this.#http = http
    this.#browser = browser
  }

  static async start(server: Server): Promise<ConverseSite> {
    const http = createServer(async ({ url }, response) => {
      const { pathname } = new URL(url!, 'http://localhost')
      const content = await contentOf(pathname)
      response.writeHead(content === undefined ? 404 : 200, { 'content-type': TYPES[extname(pathname)] ?? 'text/html' }).end(content)
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return new ConverseSite(server, http, await Browser.start())
  }

  /** Opens the site in a new tab, logs in there, and opens the chat with that address. */
  async chat(name: string, peer: string, password: string, settings: object = {}): Promise<Chat> {
    const { domain, ports } = this.#server
    const account = { jid: `${name}@${domain}`, password, websocket_url: `wss://${domain}:${ports.https}/xmpp-websocket` }
    const { port } = this.#http.address() as AddressInfo
    const options = encodeURIComponent(JSON.stringify({ ...account, ...settings }))
    return Chat.open(await this.#browser.open(`http://localhost:${port}/#${options}`), peer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser[Symbol.asyncDispose]()
    this.#http.close()
    this.#http.closeAllConnections()
  }
}

async function contentOf(path: string): Promise<string | Buffer | undefined> {
  if (path === '/') return PAGE
  if (path === '/driver.js') return readFile(DRIVER)
  return path.startsWith('/dist/') ? readFile(join(DIST, path.slice('/dist'.length))).catch(() => undefined) : undefined
}

/** A tab with an open chat. */
export class Chat implements AsyncDisposable {
  readonly #page: Page

  private constructor(page: Page) {
    this.#page = page
  }

  static async open(page: Page, peer: string): Promise<Chat> {
    await page.until('globalThis.driver?.isConnected()')
    const chat = new Chat(page)
    await chat.turnTo(peer)
    return chat
  }

  async turnTo(peer: string): Promise<void> {
    await this.#page.evaluate(`driver.open(${JSON.stringify(peer)})`)
  }

  /** Waits until these texts are on the screen, and there is nothing else. */
  async shows(texts: readonly string[]): Promise<void> {
    await this.knows(texts)
    await this.#page.until<string[]>('driver.shown()', shown => shown.join() === texts.join())
  }

  /** Waits until these texts, and no others, are on the screen or above or below. */
  async knows(texts: readonly string[]): Promise<void> {
    await this.#page.until<string[]>('driver.known().map(({ body }) => body)', known => known.join() === texts.join())
  }

  /** Scrolls up until nothing is missing, and to where all begins. Gives all that was found. */
  async scrollToTop(): Promise<Known[]> {
    await this.#page.until('driver.scrollUp()', gaps => gaps === 0)
    const known = await this.#page.evaluate<Known[]>('driver.known()')
    await this.#page.until<string[]>('(driver.scrollUp(), driver.shown())', ([first]) => first === known[0]?.body)
    return known
  }

  async write(text: string): Promise<void> {
    await this.#page.evaluate(`driver.write(${JSON.stringify(text)})`)
  }

  async changePassword(password: string): Promise<void> {
    await this.#page.evaluate(`driver.changePassword(${JSON.stringify(password)})`)
    await this.#page.until('driver.says("Your new password has been set")')
  }

  async reload(peer: string): Promise<void> {
    await this.#page.until('driver.isKept()')
    await this.#page.reload()
    await this.#page.until('globalThis.driver?.isConnected()')
    await this.turnTo(peer)
  }

  async logout(): Promise<void> {
    await this.#page.evaluate('driver.logout()')
    await this.#page.until('!driver.isConnected()')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close()
  }
}

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, extname, join } from 'node:path'
import { Browser, type Page, type Profile } from './browser.ts'
import { Chat } from './converse-chat.ts'
import type { Reachable } from './server.ts'

const DIST = join(import.meta.dirname, 'node_modules/converse.js/dist')
const DRIVERS: Readonly<Record<string, string>> = { '/driver.js': 'drive-converse.js', '/driver-rooms.js': 'converse-rooms.js' }
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}
const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Converse</title><link rel="stylesheet" href="/dist/converse.min.css">
<body class="converse-fullscreen">
<script type="module" src="/dist/converse.min.js"></script><script type="module" src="/driver.js"></script></body></html>`

/** Which takes the one-time key with number 0 for none, though Converse.js publishes it: one session in a hundred could not be read. */
const LIBOMEMO = '/dist/libomemo.esm.min.js'
const FAULT = /(\w+)\.preKeyId\?([^?:]*\.loadPreKey\(\1\.preKeyId\)):Promise\.resolve\(\)/

export interface Account {
  readonly server: Reachable
  readonly name: string
}

/** A web site with Converse.js, and a browser that opens it. */
export class ConverseSite implements AsyncDisposable {
  readonly #http: HttpServer
  readonly #browser: Browser

  private constructor(http: HttpServer, browser: Browser) {
    this.#http = http
    this.#browser = browser
  }

  static async start(): Promise<ConverseSite> {
    const http = createServer(async ({ url }, response) => {
      const { pathname } = new URL(url!, 'http://localhost')
      const content = await contentOf(pathname)
      response.writeHead(content === undefined ? 404 : 200, { 'content-type': TYPES[extname(pathname)] ?? 'text/html' }).end(content)
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return new ConverseSite(http, await Browser.start())
  }

  /** Opens the site in a new tab, logs in there, and opens the chat with that address. */
  async chat(account: Account, peer: string, password: string, settings: object = {}): Promise<Chat> {
    const chat = await Chat.open(await this.#open(account, password, settings))
    await chat.turnTo(peer)
    return chat
  }

  /** Logs in on a device that knows nothing yet; no chat is open there. */
  async device(account: Account, password: string, settings: object = {}): Promise<Chat> {
    return Chat.open(await this.page(account, password, settings))
  }

  /** As on such a device; it may not be connected yet. */
  async page(account: Account, password: string, settings: object = {}): Promise<Page> {
    return this.#open(account, password, settings, await this.#browser.newProfile())
  }

  #open({ server, name }: Account, password: string, settings: object, profile?: Profile): Promise<Page> {
    const websocket = `wss://${server.address}:${server.ports.https}/xmpp-websocket`
    const account = { jid: `${name}@${server.domain}`, password, websocket_url: websocket }
    const { port } = this.#http.address() as AddressInfo
    const options = encodeURIComponent(JSON.stringify({ ...account, ...settings }))
    return this.#browser.open(`http://localhost:${port}/#${options}`, profile)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser[Symbol.asyncDispose]()
    this.#http.close()
    this.#http.closeAllConnections()
  }
}

async function contentOf(path: string): Promise<string | Buffer | undefined> {
  if (path === '/') return PAGE
  if (DRIVERS[path] !== undefined) return readFile(join(import.meta.dirname, 'clients', DRIVERS[path]))
  if (path === LIBOMEMO) return repaired(await readFile(join(DIST, basename(LIBOMEMO)), 'utf8'))
  return path.startsWith('/dist/') ? readFile(join(DIST, path.slice('/dist'.length))).catch(() => undefined) : undefined
}

function repaired(libomemo: string): string {
  if (!FAULT.test(libomemo)) throw new Error('libomemo.js has another way to find a one-time key')
  return libomemo.replace(FAULT, '$2')
}

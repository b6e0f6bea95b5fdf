/** Servers of other domains that do not do as they should. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, createServer } from 'node:tls'
import { type Element, escapeAttribute } from '../../src/xml/element.ts'
import { STORED_XML_LIMITS } from '../../src/xml/limits.ts'
import { StreamParser } from '../../src/xml/parser.ts'
import type { Region } from './region.ts'
import { within } from './within.ts'

const SM = 'urn:xmpp:sm:3'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const DIALBACK = 'jabber:server:dialback'

/**
 * What a server does with those who come:
 * - `silent`: takes the connection and never speaks;
 * - `mute`: shakes hands, and then never speaks;
 * - `deaf`: lets them in, and from then on reads nothing;
 * - `grasping`: takes all that it is sent, and acknowledges nothing;
 * - `flapping`: lets them in, and breaks the connection with the first stanza;
 * - `slow`: says that their dialback key is right, but only after a time; then it behaves.
 */
export type Habit = 'silent' | 'mute' | 'deaf' | 'grasping' | 'flapping' | 'slow'

/** The answer of a slow one, ms. */
const THOUGHT = 25_000
const PATIENCE = 10_000

/** The server of a domain, in the hands of a test. It asks for no certificate and believes everyone. */
export class Stranger implements AsyncDisposable {
  readonly domain: string
  readonly habit: Habit
  /** The identifiers of messages that have come, in their order. */
  readonly received: string[] = []
  /** How many connections have come. */
  visits = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(domain: string, habit: Habit, region: Region) {
    this.domain = domain
    this.habit = habit
    const serve = (socket: Socket): void => this.#serve(socket)
    this.#server =
      habit === 'silent' ? createTcpServer(serve) : createServer({ ...region.certify(domain), ALPNProtocols: ['xmpp-server'] }, serve)
    this.#server.on('connection', socket => this.#hold(socket))
  }

  /** Listens, and stands in DNS, with the name and the address of its host. */
  static async open(region: Region, domain: string, habit: Habit, host = `host.${domain}`, address = '127.0.0.1'): Promise<Stranger> {
    const stranger = new Stranger(domain, habit, region)
    stranger.#server.listen(0, address)
    await once(stranger.#server, 'listening')
    region.publish(domain, habit === 'silent' ? 'tcp' : 'tls', (stranger.#server.address() as AddressInfo).port, host, address)
    return stranger
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #hold(socket: Socket): void {
    this.visits++
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
  }

  #serve(socket: Socket): void {
    socket.on('error', () => {})
    if (this.habit === 'silent' || this.habit === 'mute') return
    const handler = {
      onOpen: ({ attrs }: Element) => this.#welcome(socket, attrs['from'] ?? ''),
      onElement: (element: Element) => void this.#take(socket, element),
      onClose: () => void socket.end('</stream:stream>'),
    }
    const parser = new StreamParser(handler, STORED_XML_LIMITS)
    this.#isKnown.delete(socket)
    this.#handled.set(socket, 0)
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString('latin1', 0, 5) === '<?xml') parser.restart()
      parser.write(bytes)
    })
  }

  /** Those who have proved their domain by EXTERNAL, and stanzas of each connection. */
  readonly #isKnown = new WeakSet<Socket>()
  readonly #handled = new WeakMap<Socket, number>()

  #welcome(socket: Socket, caller: string): void {
    const way =
      this.habit === 'slow'
        ? `<dialback xmlns='urn:xmpp:features:dialback'/>`
        : this.#isKnown.has(socket)
          ? ''
          : `<mechanisms xmlns='${SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>`
    socket.write(`${header(this.domain, caller, ` id='${this.visits}'`)}<stream:features>${way}<sm xmlns='${SM}'/></stream:features>`)
  }

  async #take(socket: Socket, element: Element): Promise<void> {
    const { name, ns, attrs } = element
    if (ns === SASL) {
      this.#isKnown.add(socket)
      socket.write(`<success xmlns='${SASL}'/>`)
    } else if (ns === DIALBACK && name === 'result') {
      await wait(THOUGHT, undefined, { ref: false })
      socket.write(`<db:result from='${escapeAttribute(attrs['to']!)}' to='${escapeAttribute(attrs['from']!)}' type='valid'/>`)
    } else if (ns === SM) this.#manage(socket, name)
    else if (name === 'message') this.#receive(socket, attrs['id']!)
  }

  #manage(socket: Socket, name: string): void {
    if (name === 'enable') {
      socket.write(`<enabled xmlns='${SM}'/>`)
      if (this.habit === 'deaf') socket.pause()
    } else if (name === 'resume') socket.write(`<failed xmlns='${SM}'/>`)
    else if (name === 'r' && this.habit === 'slow') socket.write(`<a xmlns='${SM}' h='${this.#handled.get(socket)}'/>`)
    else if (name === 'r' && this.habit === 'grasping') socket.write(`<a xmlns='${SM}' h='0'/>`)
  }

  #receive(socket: Socket, id: string): void {
    this.received.push(id)
    this.#handled.set(socket, this.#handled.get(socket)! + 1)
    if (this.habit === 'flapping') socket.destroy()
  }
}

const header = (from: string, to: string, more = ''): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='${DIALBACK}' version='1.0' from='${from}' to='${to}'${more}>`

/** A server that proves its domain to one of ours by certificate, sends it an element, and breaks the connection. */
export async function barge(
  region: Region,
  as: string,
  to: { readonly domain: string; readonly s2sTls: number },
  xml: string,
  localAddress = '127.0.0.1',
): Promise<void> {
  const socket = connect({
    ...{ host: '127.0.0.1', localAddress },
    port: to.s2sTls,
    servername: to.domain,
    ca: readFileSync(region.ca),
    ALPNProtocols: ['xmpp-server'],
    ...region.certify(as),
  })
  let said = ''
  socket.on('data', bytes => (said += bytes)).on('error', () => {})
  const hears = async (text: string): Promise<void> => {
    while (!said.includes(text)) if ((await once(socket, 'data').catch(() => undefined)) === undefined) throw new Error(said)
    said = ''
  }
  try {
    socket.write(header(as, to.domain))
    await within(PATIENCE, hears('</stream:features>'), 'features')
    socket.write(`<auth xmlns='${SASL}' mechanism='EXTERNAL'>=</auth>`)
    await within(PATIENCE, hears('<success'), 'success')
    socket.write(header(as, to.domain))
    await within(PATIENCE, hears('</stream:features>'), 'features')
    await new Promise(resolve => socket.write(xml, resolve))
  } finally {
    socket.destroy()
  }
}

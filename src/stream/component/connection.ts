import { randomId } from '../../lib/random.ts'
import type { Socket } from '../../net/socket.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { type StreamHandler, XmlError } from '../../xml/parser.ts'
import { StreamError } from '../../xmpp/error.ts'
import { readDomain } from '../address.ts'
import { TcpFraming } from '../framing.ts'
import { InOrder, type Taker } from '../in-order.ts'
import { Etherx } from '../namespaces.ts'
import type { Component } from './component.ts'
import type { ComponentStreams } from './component-streams.ts'
import { TICK } from './settings.ts'

/** Stanzas that are still being dealt with, at which a component is not read from any more. */
const MOST_UNDER_WAY = 256

// Of jabber:component:accept, which is read and written as the server's own.
const Accept = namespace<'handshake'>('jabber:client')

/** A connection that says it is of a component, and is once it has shaken hands (XEP-0114 §3). */
export class ComponentConnection implements StreamHandler, Taker {
  readonly #streams: ComponentStreams
  readonly #socket: Socket
  readonly #framing: TcpFraming
  readonly #inOrder = new InOrder(this)
  readonly #id = randomId(15)
  /** The domain it wants to stand for. */
  #domain: string | undefined
  /** What it stands for, once it has shown that it may. */
  #component: Component | undefined
  #isOpen = false
  #isClosed = false
  #underWay = 0
  #isReading = true
  /** When it was last heard, and when it was last heard or sent a sign of life, in ticks of `ComponentStreams`. */
  #heardAt: number
  #quietSince: number
  /** Since when more waits for it than may, in the same; undefined when less does. */
  #fullSince: number | undefined

  constructor(streams: ComponentStreams, socket: Socket) {
    this.#streams = streams
    this.#socket = socket
    this.#heardAt = this.#quietSince = streams.tick
    this.#framing = new TcpFraming(this, streams.settings.xmlBefore, 'jabber:component:accept')
    socket.onData = bytes => this.#read(bytes)
    socket.onClose = () => {
      this.#inOrder.finish()
      this.#leave()
    }
  }

  #read(bytes: Buffer): void {
    if (this.#isClosed) return
    this.#heardAt = this.#quietSince = this.#streams.tick
    try {
      this.#framing.read(bytes)
    } catch (error) {
      this.fail(error)
    }
  }

  onOpen(root: Element, content: string): void {
    if (this.#isClosed) return
    if (root.name !== 'stream') throw new StreamError('bad-format')
    if (root.ns !== Etherx.uri || content !== 'jabber:component:accept') throw new StreamError('invalid-namespace')
    this.#domain = readDomain(root.attrs['to'])
    // Whether there is such a component is nobody's business who does not know its secret.
    if (this.#domain === undefined) throw new StreamError('host-unknown')
    this.#open()
  }

  onElement(element: Element): void {
    if (!this.#isClosed) this.#inOrder.add(element)
  }

  /** RFC 6120 §4.4: what came before the end still counts. */
  onClose(): void {
    this.#inOrder.whenDone(() => this.close(undefined))
  }

  /** Many may be under way at a time: a component speaks for many, who need not wait for each other. */
  take(element: Element): void {
    if (element.is(Etherx, 'error')) this.close(undefined)
    else if (this.#component === undefined) this.#shakeHands(element)
    else this.#receive(element, this.#component)
  }

  #shakeHands(element: Element): void {
    const component = element.is(Accept, 'handshake') ? this.#streams.proven(this.#domain!, this.#id, element.text) : undefined
    if (component === undefined) {
      this.#streams.refused(this.#socket.peer)
      throw new StreamError('not-authorized')
    }
    if (!component.admit(this)) throw new StreamError('conflict')
    this.#component = component
    this.#framing.limit(this.#streams.settings.xmlAfter)
    this.#socket.send(this.#framing.stanza(Accept('handshake')))
    this.#streams.shaken(this)
  }

  #receive(element: Element, component: Component): void {
    if (element.name !== 'message' && element.name !== 'presence' && element.name !== 'iq') throw new StreamError('unsupported-stanza-type')
    if (element.ns !== 'jabber:client') throw new StreamError('invalid-namespace')
    const pending = component.receive(element)
    if (!(pending instanceof Promise)) return
    this.#underWay++
    this.steer()
    pending
      .catch(error => this.#streams.log.fault('component.failed', error))
      .then(() => {
        this.#underWay--
        this.steer()
      })
  }

  /** Reads on, unless more has come than is dealt with. */
  steer(): void {
    const mayRead = this.#underWay < MOST_UNDER_WAY && !this.#inOrder.isFull
    if (mayRead === this.#isReading || this.#isClosed) return
    this.#isReading = mayRead
    if (mayRead) this.#socket.resume()
    else this.#socket.pause()
  }

  /** False, and nothing is sent, while too much waits for the component. */
  send(stanza: Element): boolean {
    if (this.#socket.queued >= this.#streams.settings.outputBuffer) {
      this.#fullSince ??= this.#streams.tick
      return false
    }
    this.#socket.send(this.#framing.stanza(stanza))
    return true
  }

  /** It was heard a short time ago. */
  get isAlive(): boolean {
    return !this.#isLongAgo(this.#heardAt, this.#streams.settings.aliveFor)
  }

  /** Sends a sign of life (RFC 6120 §4.6.1): a connection that broke shows it when it is written to. */
  poke(): void {
    this.#quietSince = this.#streams.tick
    this.#socket.send(' ')
  }

  /** Once a second: sends a sign of life if it is silent, and gives it up if it is stuck. */
  onTick(): void {
    const { idleAfter, outputBuffer, stuckFor } = this.#streams.settings
    if (this.#isLongAgo(this.#quietSince, idleAfter)) this.poke()
    if (this.#fullSince === undefined) return
    if (this.#socket.queued < outputBuffer) this.#fullSince = undefined
    else if (this.#isLongAgo(this.#fullSince, stuckFor)) this.#socket.destroy()
  }

  #isLongAgo(tick: number, span: number): boolean {
    return (this.#streams.tick - tick) * TICK >= span
  }

  /** A header answers a header; an error that comes before one has a header of its own (RFC 6120 §4.9.1.2). */
  #open(): void {
    this.#isOpen = true
    this.#socket.send(this.#framing.header({ from: this.#domain, to: undefined, id: this.#id }))
  }

  fail(error: unknown): void {
    if (error instanceof XmlError) this.close(new StreamError(error.condition))
    else if (error instanceof StreamError) this.close(error)
    else {
      this.#streams.log.fault('component.failed', error)
      this.close(new StreamError('internal-server-error'))
    }
  }

  /** Ends the stream, with an error if there is one. */
  close(error: StreamError | undefined): void {
    if (this.#isClosed) return
    if (error !== undefined) {
      if (!this.#isOpen) this.#open()
      this.#socket.send(this.#framing.streamElement(error.toElement()))
    }
    if (this.#isOpen) this.#socket.send(this.#framing.end)
    this.#socket.close()
    this.#leave()
  }

  #leave(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#framing.discard()
    this.#inOrder.end()
    this.#component?.left(this)
    this.#streams.left(this)
  }
}

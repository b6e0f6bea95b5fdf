/** What an end of a stream hears, for stories that say what it should have been. */
import assert from 'node:assert/strict'
import type { Element } from '../src/xml/element.ts'
import { parseElement, type StreamHandler } from '../src/xml/parser.ts'
import { differs } from './story.ts'

export class Ear {
  readonly unread: (Element | 'end of stream')[] = []
  /** For a parser of what the server writes. */
  protected readonly handler: StreamHandler = {
    onOpen: root => void this.unread.push(root),
    onElement: element => void this.unread.push(element),
    onClose: () => void this.unread.push('end of stream'),
  }

  /** The next element. What the expected one says must hold; what it does not mention may be anything; `*` is any value. */
  receives(xml: string): Element {
    const expected = parseElement(xml, undefined, 'jabber:client')
    const actual = this.unread.shift()
    assert.ok(actual !== undefined, `nothing came, but there should have been\n  ${expected}`)
    assert.ok(actual !== 'end of stream', `the stream ended, but there should have been\n  ${expected}`)
    const difference = differs(expected, actual, '')
    if (difference !== undefined) assert.fail(`${difference}\n  expected ${expected}\n  received ${actual}`)
    return actual
  }

  receivesNothing(): void {
    assert.deepEqual(this.unread.map(String), [])
  }

  forget(): void {
    this.unread.length = 0
  }
}

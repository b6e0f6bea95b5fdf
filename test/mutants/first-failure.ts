/** A reporter that ends the run with the first test that fails: a mutant needs to be killed once only. */
import type { TestEvent } from 'node:test/reporters'

export default async function* firstFailure(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:fail') continue
    process.stdout.write(`${event.data.name}\n`)
    process.exit(1)
  }
  yield ''
}

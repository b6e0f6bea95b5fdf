/** Runs in a thread of its own: opens messages, so that nobody waits for one who asks for many. */
import { parentPort } from 'node:worker_threads'
import { type Closed, openClosed } from './opening.ts'

parentPort!.on('message', (closed: Closed) => {
  const opening = openClosed(closed)
  parentPort!.postMessage(opening, [opening.packed.buffer as ArrayBuffer])
})

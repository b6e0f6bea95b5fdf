/** A thread for the test beside it: answers with what it was sent, and whether Node had to load what strips types. */
import { parentPort } from 'node:worker_threads'

const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] }
const isStripping: boolean = moduleLoadList.some(name => name.includes('amaro'))
parentPort!.on('message', (request: string) => {
  if (request === 'fail') throw new Error('it failed')
  parentPort!.postMessage({ request, isStripping })
})

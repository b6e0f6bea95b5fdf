/** A thread for the test beside it: says what it was given, and whether Node had to load what strips types. */
import { parentPort, workerData } from 'node:worker_threads'

const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] }
const isStripping: boolean = moduleLoadList.some(name => name.includes('amaro'))
parentPort!.postMessage({ data: workerData.data as unknown, isStripping })

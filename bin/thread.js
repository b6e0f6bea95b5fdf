// Where a thread begins; src/lib/thread.ts gives it the module that it is for.
import './compile-cache.js'
import { workerData } from 'node:worker_threads'

await import(workerData)

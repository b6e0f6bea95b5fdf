import { Worker } from 'node:worker_threads'

/** Begins a thread that runs `module`, which finds `data` in `workerData.data`. What it is sent before it listens is not lost. */
export function startThread(module: URL, data?: unknown): Worker {
  return new Worker(new URL('../../bin/thread.js', import.meta.url), { workerData: { module: module.href, data } })
}

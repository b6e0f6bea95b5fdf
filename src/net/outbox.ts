/** Something that collects output during a turn of the event loop. */
export interface Flushable {
  flush(): void
}

let dirty: Flushable[] = []

/** Has `socket` flushed at the end of this turn, together with all others: one write each, however much was sent. */
export function flushSoon(socket: Flushable): void {
  if (dirty.push(socket) === 1) setImmediate(flushAll)
}

function flushAll(): void {
  const sockets = dirty
  dirty = []
  for (const socket of sockets) socket.flush()
}

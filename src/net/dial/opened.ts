import type { Socket } from 'node:net'

const nothing = () => {}

/** The socket, once it is connected: paused, and without handlers but one for errors. Rejects when that fails or `signal` ends it. */
export function opened(socket: Socket, signal: AbortSignal): Promise<Socket> {
  // Who has it next must not be struck by an error that comes before he listens.
  socket.on('error', nothing)
  // Node would read at once, before anybody has said what to do with it.
  socket.pause()
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const giveUp = () => socket.destroy()
  const clean = () => {
    socket.off('connect', onConnect).off('close', onClose)
    signal.removeEventListener('abort', giveUp)
  }
  const onConnect = () => {
    clean()
    resolve(socket)
  }
  const onClose = () => {
    clean()
    reject(new Error('Not connected.'))
  }
  socket.on('connect', onConnect).on('close', onClose)
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  return promise
}

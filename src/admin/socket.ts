/** The way into a running server: a socket in the data folder, that only its owner can open. One line of JSON each way. */
import { once } from 'node:events'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ServerContext } from './context.ts'
import { OperatorError } from './operator-error.ts'
import { type Command, type Outcome, readInput } from './registry.ts'

export interface Request {
  readonly command: readonly string[]
  readonly input: unknown
}

export type Reply = { readonly outcome: Outcome } | { readonly error: string; readonly exitCode: number }

const LARGEST_REQUEST = 64 * 1024
const LARGEST_REPLY = 64 * 1024 * 1024
const MOST_CONNECTIONS = 16
const REQUEST_TIME = 10_000
const REPLY_TIME = 120_000

export interface AdminSocket {
  close(): Promise<void>
}

/** Opens the socket in the data folder. Throws an OperatorError if another server has it already. */
export async function openAdminSocket(
  data: string,
  commands: readonly Command[],
  context: ServerContext,
  onFault: (error: unknown) => void,
): Promise<AdminSocket> {
  const place = await reach(join(data, 'admin.sock'))
  try {
    await removeStale(place.path)
    const server = createServer(socket => void answer(socket, commands, context, onFault))
    server.maxConnections = MOST_CONNECTIONS
    // The socket is made within listen(), so it never is wider than this, not for a moment.
    const umask = process.umask(0o177)
    const listening = once(server.listen(place.path), 'listening')
    process.umask(umask)
    await listening
    return {
      close: () => new Promise<void>(resolve => server.close(() => resolve())).finally(() => place.close()),
    }
  } catch (error) {
    await place.close()
    throw error
  }
}

/** Asks the server that runs on this data folder; undefined if there is none. */
export async function askServer(data: string, request: Request): Promise<Reply | undefined> {
  const place = await reach(join(data, 'admin.sock')).catch(error => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (place === undefined) return undefined
  try {
    const socket = await connect(place.path)
    if (socket === undefined) return undefined
    socket.setTimeout(REPLY_TIME, () => socket.destroy(new OperatorError('the server took too long to answer')))
    socket.write(`${JSON.stringify(request)}\n`)
    const line = await readLine(socket, LARGEST_REPLY)
    socket.destroy()
    if (line === undefined) throw new OperatorError('the server gave no answer')
    return JSON.parse(line)
  } finally {
    await place.close()
  }
}

/** Runs one command for somebody outside; never throws. */
export async function runCommand(
  commands: readonly Command[],
  context: ServerContext,
  request: unknown,
  onFault: (error: unknown) => void,
): Promise<Reply> {
  try {
    const { command: name, input } = Object(request) as Partial<Request>
    const command = commands.find(({ name: known, needs }) => needs !== 'none' && Array.isArray(name) && known.join(' ') === name.join(' '))
    if (command === undefined) throw new OperatorError('the server does not know this command; is it of another version?')
    return { outcome: await command.run(context, readInput(command, input)) }
  } catch (error) {
    if (error instanceof OperatorError) return { error: error.message, exitCode: error.exitCode }
    onFault(error)
    return { error: 'the server failed at this; its log says where', exitCode: 1 }
  }
}

async function answer(
  socket: Socket,
  commands: readonly Command[],
  context: ServerContext,
  onFault: (error: unknown) => void,
): Promise<void> {
  socket.on('error', () => {}) // whoever asked has gone
  const limit = setTimeout(() => socket.destroy(), REQUEST_TIME)
  const line = await readLine(socket, LARGEST_REQUEST).catch(() => undefined)
  clearTimeout(limit)
  if (line === undefined) return void socket.destroy()
  const reply = await runCommand(commands, context, parse(line), onFault)
  socket.end(`${JSON.stringify(reply)}\n`)
  socket.resume()
}

/** The first line; undefined if the other side goes before it, or writes more than `most` bytes. */
function readLine(socket: Socket, most: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      const end = chunk.indexOf(10)
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end))
      length += chunk.length
      if (length > most) resolve(undefined)
      else if (end >= 0) resolve(Buffer.concat(chunks).toString())
      else return
      socket.removeAllListeners('data').pause()
    })
    socket.on('end', () => resolve(undefined))
    socket.on('error', error => (error instanceof OperatorError ? reject(error) : resolve(undefined)))
    socket.on('close', () => resolve(undefined))
  })
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

async function connect(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    if (code === 'EACCES') throw new OperatorError('a server may run on this data folder, but this user may not speak to it')
    throw error
  }
}

/** A socket stays behind when a server is killed; nobody listens on it then. */
async function removeStale(path: string): Promise<void> {
  const socket = await connect(path)
  socket?.destroy()
  if (socket !== undefined) throw new OperatorError('another server runs on this data folder; `conexizan stop` stops it')
  await unlink(path).catch(error => {
    if (error.code !== 'ENOENT') throw error
  })
}

interface Place {
  readonly path: string
  close(): Promise<void>
}

/** The path of a socket may have 107 bytes only; a longer one is reached through its opened folder, where the system allows that. */
async function reach(path: string): Promise<Place> {
  if (Buffer.byteLength(path) <= 103) return { path, close: async () => {} }
  if (process.platform !== 'linux') throw new OperatorError(`the path of the data folder is too long for a socket: ${path}`)
  const folder: FileHandle = await open(join(path, '..'))
  return { path: `/proc/self/fd/${folder.fd}/admin.sock`, close: () => folder.close() }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { within } from '../server.ts'

/** A program that serves until it is told to end. What it says is kept in the file `output` of its folder. */
export class Program {
  readonly #command: readonly string[]
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  #process: ChildProcess | undefined

  constructor(command: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}) {
    this.#command = command
    this.#folder = folder
    this.#env = env
  }

  /** Done when all these ports are open. */
  async start(address: string, ports: readonly number[]): Promise<void> {
    const [command, ...args] = this.#command
    const output = openSync(join(this.#folder, 'output'), 'a')
    const env = { ...process.env, ...this.#env }
    const child = spawn(command!, args, { cwd: this.#folder, stdio: ['ignore', output, output], env })
    closeSync(output)
    this.#process = child
    const open = async (port: number): Promise<void> => {
      while (!(await isOpen(port, address))) {
        if (!isRunning(child)) throw new Error(`${command} ended: ${this.output.slice(-2000)}`)
        await pause(50)
      }
    }
    await within(30_000, Promise.all(ports.map(open)), `${command} to serve`)
  }

  /** What it has said so far. */
  get output(): string {
    return readFileSync(join(this.#folder, 'output'), 'utf8')
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || !isRunning(child)) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await within(20_000, ended, `${this.#command[0]} to end`)
  }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null

async function isOpen(port: number, address: string): Promise<boolean> {
  const socket = connect(port, address)
  const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(() => false)
  socket.destroy()
  return isOpen
}

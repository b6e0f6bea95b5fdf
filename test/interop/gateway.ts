import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithTests, within } from './server.ts'

/** A program of the system in a folder of its own, that ends with the test. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #folder: string
  #said = ''
  #changed = Promise.withResolvers<void>()

  private constructor(command: string, args: string[], folder: string) {
    this.#folder = folder
    this.#child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    endWithTests(this.#child)
    const hear = (text: string): void => {
      this.#said += text
      if (process.env['INTEROP_WIRE']) process.stderr.write(text)
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    }
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.setEncoding('utf8').on('data', hear)
    this.#child.on('exit', code => hear(`it ended with ${code}\n`))
  }

  /** `configure` gives the text of the settings file, whose path is the last argument. */
  static async start(command: string, args: string[], configure: (folder: string) => string): Promise<Program> {
    const folder = await mkdtemp(join(tmpdir(), `${command}-`))
    const config = join(folder, `${command}.conf`)
    await writeFile(config, configure(folder))
    return new Program(command, [...args, config], folder)
  }

  /** Waits until it has said this since that was asked last. */
  async says(text: string): Promise<void> {
    const look = async (): Promise<void> => {
      while (!this.#said.includes(text)) await this.#changed.promise
      this.#said = this.#said.slice(this.#said.indexOf(text) + text.length)
    }
    await within(20_000, look(), text).catch(error => {
      throw new Error(`${error.message}; it said ${this.#said}`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await ended
    }
    await rm(this.#folder, { recursive: true })
  }
}

/** The gateway biboumi as the component of that domain. */
export async function startBiboumi(domain: string, secret: string, port: number): Promise<Program> {
  const settings = (folder: string): string =>
    [
      `hostname=${domain}`,
      `password=${secret}`,
      `port=${port}`,
      `db_name=${join(folder, 'biboumi.sqlite')}`,
      'identd_port=0',
      'log_level=1',
      '',
    ].join('\n')
  return Program.start('biboumi', [], settings)
}

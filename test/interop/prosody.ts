import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Ports, run, type Server } from './server.ts'

/** A Prosody of the system in a folder of its own, for comparison. It has no invitations. */
export async function startProsody(folder: string, ports: Ports): Promise<Server> {
  const config = join(folder, 'prosody.cfg.lua')
  const [key, ca] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', ca, ...subject])
  await mkdir(join(folder, 'data'))
  await writeFile(config, configOf(folder, ports))
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill(signal)
    child = undefined
    await ended
  }
  return {
    domain: 'localhost',
    address: '127.0.0.1',
    ports,
    ca,
    async start() {
      child = spawn('prosody', ['-F', '--config', config], { stdio: 'ignore' })
      while (!(await isOpen(ports.starttls))) await pause(50)
    },
    async addUser(name, password) {
      await run('prosodyctl', ['--config', config, 'register', name, 'localhost', password])
    },
    invite: () => Promise.reject(new Error('Prosody is here without invitations')),
    kill: () => end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
      await rm(folder, { recursive: true })
    },
  }
}

const configOf = (folder: string, { starttls, tls, https }: Ports): string => `
run_as_root = true
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
interfaces = { "127.0.0.1" }
c2s_ports = { ${starttls} }
c2s_direct_tls_ports = { ${tls} }
s2s_ports = {}
http_ports = {}
https_ports = { ${https} }
http_default_host = "localhost"
https_certificate = "${folder}/cert.pem"
ssl = { key = "${folder}/key.pem"; certificate = "${folder}/cert.pem" }
https_ssl = { key = "${folder}/key.pem"; certificate = "${folder}/cert.pem" }
authentication = "internal_hashed"
log = { info = "${folder}/prosody.log" }
modules_enabled = { "roster"; "saslauth"; "tls"; "disco"; "carbons"; "smacks"; "ping"; "posix"; "websocket"; "offline"; "mam"; "user_account_management"; "vcard_legacy"; "pep"; "blocklist" }
VirtualHost "localhost"
`

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(() => false)
  socket.destroy()
  return isOpen
}

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const modules = join(import.meta.dirname, 'node_modules')
const isThere = {
  slixmpp: () => spawnSync('/usr/bin/python3', ['-c', 'import slixmpp']).status === 0,
  'xmpp-js': () => existsSync(join(modules, '@xmpp/client')),
  stanza: () => existsSync(join(modules, 'stanza')),
  converse: () => isProgram('chromium') && existsSync(join(modules, 'converse.js')),
  'go-sendxmpp': () => isProgram('go-sendxmpp'),
  biboumi: () => isProgram('biboumi') && isProgram('ngircd'),
  profanity: () => isProgram('profanity') && isProgram('tmux'),
  prosody: () => isProgram('prosody'),
  ejabberd: () => isProgram('ejabberdctl') && isProgram('openssl'),
  conexizan: () => true,
}
const found = new Map<string, boolean>()

/** For the `skip` option of a test: a sentence when one of these clients or servers is missing. */
export function unlessInstalled(...clients: (keyof typeof isThere)[]): { skip: string | false } {
  const missing = clients.filter(client => {
    if (!found.has(client)) found.set(client, isThere[client]())
    return !found.get(client)
  })
  return { skip: missing.length > 0 && `${missing.join(' and ')} is not installed; run test/interop/set-up as root` }
}

function isProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
}

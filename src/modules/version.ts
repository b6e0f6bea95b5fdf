// XEP-0092: Software Version

import { readFileSync } from 'node:fs'
import { defineModule, xep } from '../core/module.ts'
import { flag } from '../lib/settings.ts'
import { namespace } from '../xml/element.ts'

const Version = namespace<'query' | 'name' | 'version'>('jabber:iq:version')

export const version = defineModule({
  name: 'version',
  about: 'The server says which software it is, and if the operator wants, in which version. Of the system it runs on it says nothing.',
  xeps: [xep(92, '1.1')],
  features: [Version.uri],
  settings: { shown: flag(false, 'Whether everyone may learn the version of the server. Attackers like to know it.') },

  setup({ iq, settings }) {
    const shown = settings.shown ? readVersion() : 'not disclosed'
    iq.host.get(Version, 'query', () => Version('query', {}, Version('name', {}, 'Conexizan'), Version('version', {}, shown)))
  },
})

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

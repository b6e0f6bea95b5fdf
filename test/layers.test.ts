/** Which folder may import which. This is the architecture; docs/ARCHITECTURE.md explains it. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { test } from 'node:test'

const MAY_IMPORT: Record<string, readonly string[]> = {
  lib: [],
  seal: ['lib'],
  xml: ['lib'],
  xmpp: ['lib', 'xml'],
  storage: ['lib'],
  net: ['lib'],
  sasl: ['lib'],
  core: ['lib', 'xml', 'xmpp', 'storage', 'seal'],
  stream: ['lib', 'xml', 'xmpp', 'net', 'sasl', 'core'],
  modules: ['lib', 'xml', 'xmpp', 'storage', 'core'],
  admin: ['lib', 'storage', 'net', 'core', 'modules'],
}

const imports = globSync('src/**/*.ts')
  .filter(file => !file.endsWith('.test.ts'))
  .flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)].map(match => ({
      file: file.split(sep),
      target: join(dirname(file), match[1]!).split(sep),
    })),
  )

test('every import goes down a layer', () => {
  for (const { file, target } of imports) {
    const [, from] = file,
      [, to] = target
    if (file.length === 2) continue // main.ts and its like know all layers
    assert.ok(
      from === to || MAY_IMPORT[from!]?.includes(to!),
      `${file.join('/')} imports ${target.join('/')}: ${from} may not import ${to}`,
    )
  }
})

test('a module sees of another only its front', () => {
  for (const { file, target } of imports) {
    const [, layer, mine] = file,
      [, toLayer, other, inner] = target
    if (layer !== 'modules' || toLayer !== 'modules' || mine === other || mine === 'index.ts') continue
    assert.ok(inner === undefined || inner === `${other}.ts`, `${file.join('/')} reaches into ${target.join('/')}`)
  }
})

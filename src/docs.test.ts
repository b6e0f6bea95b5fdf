import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { migrations } from './core/account-store.ts'
import { LocalHost } from './core/host.ts'
import { defineModule, xep } from './core/module.ts'
import { Router } from './core/router.ts'
import { generatedFiles, implementedXeps } from './docs.ts'
import { modules } from './modules/index.ts'
import { rfcFeatures, rfcs, xepTitles } from './specifications.ts'
import { openTestStore } from './storage/test-store.ts'
import { type Element, namespace } from './xml/element.ts'
import { parseElement } from './xml/parser.ts'

const RESOURCE = '{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource'
const Doap = namespace<'Project' | 'implements'>('http://usefulinc.com/ns/doap#')
const Xmpp = namespace<'SupportedXep' | 'xep' | 'status' | 'version'>('https://linkmauve.fr/ns/xmpp-doap#')

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

for (const [file, text] of Object.entries(generatedFiles())) {
  test(`${file} says what the code says`, () => assert.equal(read(file), text, 'run `npm run docs`'))
}

/** What the DOAP file lists, read as a program would. */
function listed(): { xeps: Set<number>; rfcs: Set<number> } {
  const text = read('conexizan.doap').replace(/^<\?xml[^>]*>\s*<!--.*?-->\s*/s, '')
  const implemented = parseElement(text).child(Doap, 'Project')!.all(Doap, 'implements')
  const named = ({ attrs }: Element): number => Number(/(\d{4})\.html$/.exec(attrs[RESOURCE] ?? '')?.[1])
  const supported = implemented.flatMap(element => element.all(Xmpp, 'SupportedXep'))
  return {
    xeps: new Set(supported.map(element => named(element.child(Xmpp, 'xep')!))),
    rfcs: new Set(implemented.filter(({ attrs }) => RESOURCE in attrs).map(named)),
  }
}

test('XEP-0453 §4: the DOAP file lists every XEP and RFC, each with its status', () => {
  const { xeps, rfcs: found } = listed()
  assert.deepEqual(
    [...xeps],
    implementedXeps().map(({ number }) => number),
  )
  assert.deepEqual(
    [...found],
    rfcs.map(({ number }) => number),
  )
})

test('what service discovery announces is in the DOAP file', async t => {
  const store = await openTestStore([
    { owner: 'core', steps: migrations },
    ...modules.map(({ name, migrations: steps = [] }) => ({ owner: name, steps })),
  ])
  t.after(() => store.close())
  const { discovery } = new LocalHost('here.example', modules, store, new Router())
  const { xeps, rfcs: found } = listed()
  for (const feature of [...discovery.host.features, ...discovery.account.features]) {
    const rfc = rfcFeatures[feature]
    const owners = modules.filter(({ features = [], accountFeatures = [] }) => [...features, ...accountFeatures].includes(feature))
    const isListed = rfc !== undefined ? found.has(rfc) : owners.flatMap(owner => owner.xeps).some(({ number }) => xeps.has(number))
    assert.ok(isListed, `${feature} is announced, but no specification of its module is in the DOAP file`)
  }
})

test('a XEP needs a title and one place', () => {
  const module = (name: string, number: number) => defineModule({ name, about: '', xeps: [xep(number, '1.0')], setup() {} })
  assert.throws(() => implementedXeps([module('untitled', 9999)]), /XEP-9999 has no title/)
  assert.throws(() => implementedXeps([module('one', 199), module('two', 199)]), /two and one both claim XEP-0199/)
})

test('no title stands there for a XEP that is gone', () => {
  const numbers = new Set(implementedXeps().map(({ number }) => number))
  assert.deepEqual(
    Object.keys(xepTitles).filter(number => !numbers.has(Number(number))),
    [],
  )
})

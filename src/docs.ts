/** Writes the documents that follow from the code: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { commands } from './admin/commands/index.ts'
import { commandsPage } from './admin/help.ts'
import { settingsPage } from './admin/settings-page.ts'
import type { Module, Xep } from './core/module.ts'
import { tableOf } from './markdown.ts'
import { modules } from './modules/index.ts'
import { rfcs, xepsByFolder, xepTitles } from './specifications.ts'
import { readInventory, whatWeStore } from './what-we-store.ts'
import { escapeAttribute, escapeText } from './xml/element.ts'

/** Generated files by path from the root of the project, with what must be in them. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'docs/xeps.md': specificationsPage(),
    'docs/settings.md': page(settingsPage(Object.fromEntries(modules.map(({ name, settings }) => [name, settings ?? {}])))),
    'docs/commands.md': page(commandsPage(commands)),
    'docs/what-we-store.md': page(whatWeStore(readInventory(), modules)),
    'conexizan.doap': doap(),
  }
}

interface Implemented extends Xep {
  readonly title: string
  /** The module, or the folder of src/ where it is no module's. */
  readonly place: string
}

/** All XEPs of modules and folders, by number. Throws if a title is missing, or if two places claim the same XEP. */
export function implementedXeps(of: readonly Module[] = modules): Implemented[] {
  const found = [
    ...of.flatMap(({ name, xeps }) => xeps.map(xep => ({ ...xep, place: name }))),
    ...Object.entries(xepsByFolder).flatMap(([folder, xeps]) => xeps.map(xep => ({ ...xep, place: `src/${folder}` }))),
  ].sort((a, b) => a.number - b.number)
  return found.map((xep, i) => {
    const title = xepTitles[xep.number]
    if (title === undefined) throw new Error(`XEP-${digits(xep)} has no title in src/specifications.ts`)
    if (found[i - 1]?.number === xep.number) throw new Error(`${xep.place} and ${found[i - 1]!.place} both claim XEP-${digits(xep)}`)
    return { ...xep, title }
  })
}

function specificationsPage(): string {
  const xepRows = implementedXeps().map(xep => [
    `[XEP-${digits(xep)}](${urlOf(xep)})`,
    xep.title,
    xep.version,
    xep.status,
    xep.place,
    xep.note ?? '',
  ])
  const rfcRows = rfcs.map(({ number, title, note = '' }) => [`[RFC ${number}](https://www.rfc-editor.org/rfc/rfc${number})`, title, note])
  const moduleRows = modules.map(({ name, about, xeps }) => [name, about, xeps.map(xep => `XEP-${digits(xep)}`).join(', ')])
  return page(
    [
      '# What is implemented',
      '## RFCs',
      tableOf(['RFC', 'title', 'note'], rfcRows),
      '## XEPs',
      'The place is a module of `src/modules/`, or a folder of `src/`.',
      tableOf(['XEP', 'title', 'version', 'status', 'place', 'note'], xepRows),
      '## Modules',
      'In the order in which their handlers run.',
      tableOf(['module', 'what it does', 'XEPs'], moduleRows),
    ].join('\n\n'),
  )
}

/** A description of the project that programs read (XEP-0453). */
function doap(): string {
  const { description }: { description: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by \`npm run docs\`; changes belong into the modules and src/specifications.ts. -->
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns="http://usefulinc.com/ns/doap#"
         xmlns:xmpp="https://linkmauve.fr/ns/xmpp-doap#">
  <Project>
    <name>Conexizan</name>
    <shortdesc xml:lang="en">XMPP server in TypeScript</shortdesc>
    <description xml:lang="en">${escapeText(description)}</description>
    <license rdf:resource="https://spdx.org/licenses/AGPL-3.0-or-later"/>
    <language>en</language>
    <programming-language>TypeScript</programming-language>
    <os>Linux</os>
    <category rdf:resource="https://linkmauve.fr/ns/xmpp-doap#category-server"/>
${rfcs.map(({ number }) => `    <implements rdf:resource="https://xmpp.org/rfcs/rfc${number}.html"/>\n`).join('')}${implementedXeps().map(supportedXep).join('')}  </Project>
</rdf:RDF>
`
}

function supportedXep(xep: Implemented): string {
  return `    <implements>
      <xmpp:SupportedXep>
        <xmpp:xep rdf:resource="${escapeAttribute(urlOf(xep))}"/>
        <xmpp:status>${xep.status}</xmpp:status>
        <xmpp:version>${escapeText(xep.version)}</xmpp:version>
${xep.note === undefined ? '' : `        <xmpp:note xml:lang="en">${escapeText(xep.note.replaceAll('`', ''))}</xmpp:note>\n`}      </xmpp:SupportedXep>
    </implements>
`
}

const digits = ({ number }: Xep): string => String(number).padStart(4, '0')
const urlOf = (xep: Xep): string => `https://xmpp.org/extensions/xep-${digits(xep)}.html`

/** Says first where the page comes from. */
const page = (text: string): string => `<!-- Made by \`npm run docs\` from the code; to change it, change that. -->\n\n${text.trimEnd()}\n`

if (import.meta.main) {
  for (const [file, text] of Object.entries(generatedFiles())) writeFileSync(new URL(`../${file}`, import.meta.url), text)
}

import { describe } from '../lib/settings.ts'
import type { ModuleShapes } from './config.ts'
import { configShape } from './config-shape.ts'

/** All settings as a page of Markdown, for docs/settings.md. */
export function settingsPage(modules: ModuleShapes): string {
  const { modules: _, ...common } = configShape
  const own = Object.entries(modules).flatMap(([name, shape]) => describe(shape, ['modules', name]))
  const rows = [...describe(common), ...own].map(({ path, type, usual, text }) =>
    [`\`${path}\``, type, usual && `\`${usual}\``, text].map(cell => cell.replaceAll('|', '\\|')).join(' | '),
  )
  return [
    '# Settings',
    '',
    '| setting | written as | usual | what it is |',
    '|---|---|---|---|',
    ...rows.map(row => `| ${row} |`),
    '',
  ].join('\n')
}

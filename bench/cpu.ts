import { readdirSync, readFileSync } from 'node:fs'

/** Of the kernel's clock, in which /proc counts. */
const TICK_MS = 10

/** What the process and its children have used, in ms. */
export function cpuOf(parent: number): number {
  const fields = (id: string): string[] | undefined => {
    try {
      return readFileSync(`/proc/${id}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')
    } catch {
      return undefined
    }
  }
  const all = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => ({ id: Number(name), fields: fields(name) }))
  const sum = (id: number): number => {
    const own = all.find(each => each.id === id)?.fields
    const children = all.filter(each => Number(each.fields?.[1]) === id)
    return (Number(own?.[11] ?? 0) + Number(own?.[12] ?? 0)) * TICK_MS + children.reduce((total, each) => total + sum(each.id), 0)
  }
  return sum(parent)
}

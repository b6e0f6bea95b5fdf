import { isDeepStrictEqual } from 'node:util'
import { formatPath } from '../lib/settings.ts'
import type { Config } from './config.ts'

/** Settings that are read once, when the server starts. All others are read anew at SIGHUP. */
const FIXED =
  /^(?:data|hosts|listen|web|component|store|seal|tls|auth\.(?:sha1|iterations|tokens)|limits\.(?:sessions|connections|connectionsPerNetwork)|s2s\.(?:posh|authorities|pins|servers|networks|dns|tor|proxy)|host\.(?:[^."]+|"[^"]+")\.(?:certificate|modules|federation))(?:\.|$)/

export interface Reload {
  /** Paths of the settings that differ and can change now. */
  readonly changed: readonly string[]
  /** Paths of those that differ and take a restart. */
  readonly needsRestart: readonly string[]
}

/** Compares the settings of a running server with those that are in the file now. */
export function reloadable(old: Config, now: Config): Reload {
  const before = leaves(plain(old))
  const after = leaves(plain(now))
  const paths = new Set([...before.keys(), ...after.keys()])
  const differing = [...paths].filter(path => !isDeepStrictEqual(before.get(path), after.get(path))).sort()
  return { changed: differing.filter(path => !FIXED.test(path)), needsRestart: differing.filter(path => FIXED.test(path)) }
}

/** With the settings of each host under its name, so that they are compared with their own. */
function plain({ hosts, file: _, ...rest }: Config): object {
  return { ...rest, hosts: hosts.map(host => host.domain), host: Object.fromEntries(hosts.map(({ domain, ...own }) => [domain, own])) }
}

function leaves(value: object, path: readonly string[] = []): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [name, inner] of Object.entries(value)) {
    const here = [...path, name]
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) found.set(formatPath(here), inner)
    else for (const [deeper, leaf] of leaves(inner, here)) found.set(deeper, leaf)
  }
  return found
}

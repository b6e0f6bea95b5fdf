/** Every module, in the order in which their handlers run within a point. Move a line and you move the order: read it as one. */
import type { Module } from '../core/module.ts'
import { blocking } from './blocking/blocking.ts'
import { carbons } from './carbons.ts'
import { csi } from './csi/csi.ts'
import { discovery } from './discovery.ts'
import { offline } from './offline/offline.ts'
import { ping } from './ping.ts'
import { presence } from './presence/presence.ts'
import { roster } from './roster/roster.ts'

export const modules: readonly Module[] = [blocking, roster, presence, discovery, ping, carbons, csi, offline]

// XEP-0060 §8.1: create a node

import type { Jid } from '../../xmpp/jid.ts'
import { dayOf } from './day.ts'
import { Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Place } from './place.ts'

/** A node that is nowhere yet. */
export const createNode = (place: Place, name: string, config: NodeConfig, creator: Jid): Node =>
  new Node({ name, config, creator: String(creator.bare), createdAt: dayOf(place.clock.now()) })

import type { Element } from '../../xml/element.ts'
import { Sasl2 } from '../namespaces.ts'

/** What a client says of itself when it logs in (XEP-0388 §2.2). */
export interface UserAgent {
  /** Of this installation, the same at each login, and known to nobody else. */
  readonly id: string
  readonly software: string | undefined
  readonly device: string | undefined
}

/** It should be a UUID. */
const LONGEST_ID = 128
const LONGEST_NAME = 100

/** Undefined for a client that does not say who it is. */
export function readUserAgent(authenticate: Element): UserAgent | undefined {
  const agent = authenticate.child(Sasl2, 'user-agent')
  const id = agent?.attrs['id'] ?? ''
  if (agent === undefined || id === '' || id.length > LONGEST_ID) return undefined
  return { id, software: nameIn(agent, 'software'), device: nameIn(agent, 'device') }
}

function nameIn(agent: Element, name: 'software' | 'device'): string | undefined {
  const text = agent.child(Sasl2, name)?.text.trim() ?? ''
  return text === '' ? undefined : [...text].slice(0, LONGEST_NAME).join('')
}

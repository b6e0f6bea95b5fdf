import type { Element } from '../xml/element.ts'

/** XEP-0030 §3.1. */
export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** What is to be said of one kind of entity. */
export interface Described {
  readonly features: Set<string>
  readonly identities: Identity[]
  /** Extensions in forms (XEP-0128), made anew for each answer. */
  readonly forms: (() => Element)[]
}

/** What service discovery says of the host and of its accounts (XEP-0030). */
export interface Discovery {
  readonly host: Described
  readonly account: Described
}

const described = (...identities: Identity[]): Described => ({ features: new Set(), identities, forms: [] })

export const newDiscovery = (): Discovery => ({
  host: described({ category: 'server', type: 'im', name: 'Conexizan' }),
  account: described({ category: 'account', type: 'registered' }),
})

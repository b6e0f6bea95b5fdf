// XEP-0115: Entity Capabilities

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import { iqIn, point, presenceBroadcast, presenceIn, sessionEnded } from '../../core/points.ts'
import type { Element } from '../../xml/element.ts'
import { capsHash } from '../../xmpp/caps-hash.ts'
import { DiscoInfo, readInfo } from '../../xmpp/disco.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { discovery } from '../discovery.ts'
import { roster } from '../roster/roster.ts'
import { Caps, claimedCaps } from './claimed.ts'
import { type Interests, KnownClients, NO_INTERESTS } from './known-clients.ts'
import { Questions } from './questions.ts'

export { type Interests, NO_INTERESTS } from './known-clients.ts'

/** Names the software; the part after `#` names what it can do. */
const NODE = 'conexizan'

/** So many clients are asked at a time in the name of an account: its own and those of contacts, and those of strangers. */
const MOST_QUESTIONS = 500
const MOST_OF_STRANGERS = 20

/** In the account's turn: a client that was asked has said of which nodes it wants to hear. */
export const interestsLearned = point<{ readonly account: Account; readonly client: Jid; readonly interests: Interests }>('caps.learned')

export interface CapsApi {
  /**
   * Of which nodes the client wants to hear that has sent this presence to the account (XEP-0060 §9.2). Where that is not known the
   * client is asked, and `interestsLearned` tells; undefined until then. In the account's turn.
   */
  interestsOf(account: Account, client: Jid, presence: Element): Interests | undefined
}

export const caps = defineModule({
  name: 'caps',
  about: 'Tells in the stream features what the server can do, and knows of clients what they want to hear of.',
  xeps: [xep(115, '1.6.0', 'complete', 'what clients can do is not kept on disk')],
  features: [Caps.uri],
  needs: { discovery, roster },

  setup({ clock, hooks, on, send, stream, needs }): CapsApi {
    const { host } = needs.discovery
    let known: string | undefined
    // What a host can do is settled once all its modules are set up, which is before the first stream.
    const ver = (): string | undefined => (known ??= capsHash(host.info()))

    host.nodes.push({ info: node => (node === `${NODE}#${ver()}` ? host.info() : undefined) })
    let feature: Element | undefined
    const offer = () => (ver() === undefined ? undefined : (feature ??= Caps('c', { hash: 'sha-1', node: NODE, ver: ver() })))
    stream.feature('unauthenticated', offer)
    stream.feature('authenticated', offer)

    const clients = new KnownClients()
    const questions = new Questions(MOST_QUESTIONS, clock)
    const questionsToStrangers = new Questions(MOST_OF_STRANGERS, clock)

    on(iqIn.after, function learnInterests({ account, stanza, from }) {
      const { type } = stanza.attrs
      if (type !== 'result' && type !== 'error') return
      const claimed = questions.answered(account, stanza, from) ?? questionsToStrangers.answered(account, stanza, from)
      if (claimed === undefined) return
      const query = type === 'error' ? undefined : stanza.child(DiscoInfo, 'query')
      const interests = query === undefined ? NO_INTERESTS : clients.learn(claimed, readInfo(query))
      return hooks.run(interestsLearned, { account, client: from, interests })
    })
    on(presenceIn.after, function forgetOther({ account, stanza, from }) {
      const { type } = stanza.attrs
      if (type === 'unavailable' || type === 'error') forget(account, from)
    })
    on(presenceBroadcast, function forgetOwn({ session, stanza }) {
      if (stanza.attrs['type'] === 'unavailable') forget(session.account, session.jid)
    })
    on(sessionEnded, function forgetEnded({ account, jid }) {
      forget(account, jid)
    })

    function forget(account: Account, client: Jid): void {
      for (const asked of [questions, questionsToStrangers]) asked.forget(account, client)
    }

    return {
      interestsOf(account, client, presence) {
        const claimed = claimedCaps(presence)
        if (claimed === undefined) return NO_INTERESTS
        const interests = clients.get(claimed)
        if (interests !== undefined) return interests
        const asked = needs.roster.isStranger(account, client) ? questionsToStrangers : questions
        const request = asked.ask(account, client, claimed)
        if (request !== undefined) send(request)
        return undefined
      },
    }
  },
})

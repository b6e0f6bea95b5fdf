// XEP-0060: Publish-Subscribe, as a service of a domain

import { defineModule, xep } from '../../core/module.ts'
import { accountRemoved, secretsDestroyed } from '../../core/points.ts'
import { readLabel } from '../../lib/domain-label.ts'
import { count, flag, oneOf, optional, read, size } from '../../lib/settings.ts'
import { DiscoInfo, DiscoItems, infoElement, itemsElement } from '../../xmpp/disco.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { discovery } from '../discovery.ts'
import { readAuthorization, takeAuthorization } from './authorization.ts'
import { takeBounce } from './bounce.ts'
import type { Context } from './context.ts'
import { removeTraces } from './departure.ts'
import { discoverItems, discoverNode, discoverNodes } from './disco.ts'
import { deleteEvent } from './events.ts'
import { SERVICE_FEATURES } from './features.ts'
import { Notifier } from './notifier.ts'
import { pubsub } from './pubsub.ts'
import { answer, REQUESTS } from './requests.ts'
import { ServicePlace } from './service-place.ts'

const addressOf = (domain: string, { name = 'pubsub' }: { readonly name?: string | undefined }): string => `${name}.${domain}`

export const pubsubService = defineModule({
  name: 'pubsub-service',
  about: 'A place for nodes that belong to no account: news, blogs, what programs tell each other.',
  xeps: [xep(60, '1.30.0', 'complete', 'at a service of the domain, and at every account; no collections, digests or payments')],
  needs: { discovery, pubsub },
  settings: {
    enabled: flag(true, 'There is such a service; without it, another one can have its address, such as a component.'),
    name: optional(read(readLabel, 'a name such as "pubsub"', 'The service is at this name below the domain, instead of pubsub.')),
    create: oneOf(['users', 'nobody'], 'Who may make nodes: the users of this domain, or nobody.'),
    nodesPerUser: count(50, { min: 1, max: 10_000 }, 'How many nodes each may make.'),
    nodes: count(1000, { min: 1, max: 10_000 }, 'How many nodes there may be.'),
    items: count(1000, { min: 1, max: 100_000 }, 'How many items a node may have.'),
    payload: size('64KiB', 'How large an item may be.', { min: 1024 }),
    bytes: size('100MiB', 'How large all items may be together.', { min: 4096 }),
    bytesPerUser: size('10MiB', 'How large all items may be in the nodes that one user has made.', { min: 4096 }),
    subscriptions: count(20_000, { min: 1, max: 1_000_000 }, 'How many subscriptions there may be.'),
    affiliations: count(20_000, { min: 1, max: 1_000_000 }, 'How many affiliations there may be.'),
    affiliationsPerUser: count(
      1000,
      { min: 1, max: 1_000_000 },
      'How many affiliations there may be with the nodes that one user has made.',
    ),
    changes: count(120, { min: 1 }, 'How often in a minute somebody may change something of which subscribers are notified.'),
  },

  addressOf: (domain, settings) => (settings.enabled ? addressOf(domain, settings) : undefined),

  setup({ clock, db, domain, log, needs, on, send, serve, settings, track }) {
    if (!settings.enabled) return
    const jid = Jid.of('', addressOf(domain, settings))
    const mayCreate = (who: Jid): boolean => settings.create === 'users' && who.domain === domain && who.local !== ''
    const share = { nodes: settings.nodesPerUser, bytes: settings.bytesPerUser, affiliations: settings.affiliationsPerUser }
    const place = new ServicePlace({ jid, mayCreate, share }, db, clock, settings)
    const nothing = async (): Promise<void> => {}
    const context: Context = {
      notifier: new Notifier(send),
      alongside: async () => [],
      published: nothing,
      removed: nothing,
      configured: nothing,
    }

    const { iq, turn } = serve(jid.domain, {
      async message(stanza, from) {
        const form = readAuthorization(stanza)
        if (form === undefined) throw new StanzaError('service-unavailable')
        await place.load()
        await takeAuthorization(context, place, from, form)
      },
      async failed(stanza, from) {
        await place.load()
        await takeBounce(context, place, stanza, from)
      },
    })
    for (const { ns, type, answers } of REQUESTS) {
      iq[type](ns, 'pubsub', async ({ from, payload }) => {
        await place.load()
        return answer(answers, context, place, from, payload)
      })
    }

    iq.get(DiscoInfo, 'query', async ({ from, payload }) => {
      const { node = '' } = payload.attrs
      if (node === '') return infoElement({ identities: [{ category: 'pubsub', type: 'service' }], features: SERVICE_FEATURES, forms: [] })
      await place.load()
      return infoElement(there(discoverNode(place, node, from)), node)
    })
    iq.get(DiscoItems, 'query', async ({ from, payload }) => {
      const { node = '' } = payload.attrs
      await place.load()
      return node === '' ? itemsElement(discoverNodes(place, from)) : itemsElement(there(await discoverItems(place, node, from)), node)
    })
    needs.discovery.host.items.push(() => [{ jid: String(jid) }])

    on(accountRemoved, async function removePerson({ account, db: inner, afterwards }) {
      const person = String(Jid.of(account, domain))
      const gone = await removeTraces(inner, place.owner, person)
      const takeLeave = async (): Promise<void> => {
        place.forget()
        for (const node of gone) if (node.config.notifyDelete) await context.notifier.tell(place, node, deleteEvent(node))
        // What was under way meanwhile may have brought some of it back.
        await place.change(db => removeTraces(db, place.owner, person))
        place.forget()
      }
      afterwards(() => track(Promise.resolve(turn.take(takeLeave)).catch(error => log.fault('pubsub.leave', error))))
    })
    // What has expired is removed on disk for all places; what is known of it here goes with the next look.
    on(secretsDestroyed, function readAnew() {
      return turn.take(() => place.forget())
    })
  },
})

function there<T>(found: T | undefined): T {
  if (found === undefined) throw new StanzaError('item-not-found')
  return found
}

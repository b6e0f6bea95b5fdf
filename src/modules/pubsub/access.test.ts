/** XEP-0060 §4.1 and §4.5: access model × who it is × what he wants, each cell over the wire, at an account and at the service. */
import assert from 'node:assert/strict'
import {
  affiliationXml,
  ask,
  conditionOf,
  configXml,
  createXml,
  gets,
  item,
  OWNER,
  publishXml,
  SERVICE,
} from '../../../test/pubsub-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { AFFILIATIONS, refusalOf } from './access.ts'
import { ACCESS_MODELS, INITIAL, PUBLISH_MODELS } from './node-config.ts'

const NODE = 'urn:example:node'
const JULIET = 'juliet@here.example'
const owner = { ns: OWNER }

/** What he wants, in this order. `retract`: what he has published himself, before he became who he is; then what the owner has. */
const ACTIONS = [
  'subscribe',
  'retrieve',
  'publish',
  'retract own',
  'retract',
  'purge',
  'configure',
  'affiliations',
  'subscriptions',
  'delete',
] as const

const MEANING: Readonly<Record<string, string>> = {
  '+': 'ok',
  '?': 'pending',
  f: 'forbidden',
  p: 'not-authorized/presence-subscription-required',
  r: 'not-authorized/not-in-roster-group',
  c: 'not-allowed/closed-node',
  n: 'not-authorized/not-subscribed',
  i: 'item-not-found',
  u: 'service-unavailable',
}

/** With an affiliation it is the same whatever the access model (§4.1), but for strangers who are outcasts. */
const AFFILIATED = {
  owner: '+ + + + + + + + + +',
  publisher: '+ + + + f f f f f f',
  'publish-only': 'f f + + f f f f f f',
  member: '+ + f f f f f f f f',
  outcast: 'f f f f f f f f f f',
}

/** Of an account, of somebody without an affiliation: a stranger, a contact, one in a group of the roster that is allowed, a subscriber. */
const AT_ACCOUNT = {
  open: {
    stranger: '+ + f f f f f f f f',
    contact: '+ + f f f f f f f f',
    friend: '+ + f f f f f f f f',
    subscriber: '+ + f f f f f f f f',
  },
  presence: {
    stranger: 'u u u u u u u u u u',
    contact: '+ + f f f f f f f f',
    friend: '+ + f f f f f f f f',
    // His subscription ends with the node's openness.
    subscriber: 'u u u u u u u u u u',
  },
  roster: {
    stranger: 'u u u u u u u u u u',
    contact: 'r r f f f f f f f f',
    friend: '+ + f f f f f f f f',
    subscriber: 'u u u u u u u u u u',
  },
  authorize: {
    stranger: '? n f f f f f f f f',
    contact: '? n f f f f f f f f',
    friend: '? n f f f f f f f f',
    subscriber: '+ + f f f f f f f f',
  },
  // Somebody else is on the list, or it were private; to contacts that would look as if it were not there.
  whitelist: {
    stranger: 'u u u u u u u u u u',
    contact: 'c c f f f f f f f f',
    friend: 'c c f f f f f f f f',
    subscriber: 'u u u u u u u u u u',
  },
}
/** He learns of the account no more than before he was one. */
const STRANGE_OUTCAST = {
  open: AFFILIATED.outcast,
  presence: 'u u u u u u u u u u',
  roster: 'u u u u u u u u u u',
  authorize: AFFILIATED.outcast,
  whitelist: 'u u u u u u u u u u',
}
const PRIVATE = {
  stranger: 'u u u u u u u u u u',
  contact: 'i i i i i i i i i i',
  friend: 'i i i i i i i i i i',
}
const AT_SERVICE = {
  open: { stranger: '+ + f f f f f f f f', subscriber: '+ + f f f f f f f f' },
  authorize: { stranger: '? n f f f f f f f f', subscriber: '+ + f f f f f f f f' },
  whitelist: { stranger: 'c c f f f f f f f f', subscriber: 'c c f f f f f f f f' },
}

interface Scene {
  readonly world: World
  readonly juliet: Client
  readonly romeo: Client
  /** Of the place, as each of them asks it. */
  readonly place: string
}

const isOfAccount = ({ place }: Scene): boolean => place === JULIET

/** The node as new, with an item of each, and Romeo as he is to be. */
async function prepare(scene: Scene, model: string, who: string, isPrivate = false): Promise<void> {
  const { juliet, romeo, place } = scene
  const to = { to: place }
  const affiliate = (jid: string, affiliation: string): Promise<unknown> =>
    gets(juliet, 'set', affiliationXml(NODE, jid, affiliation), {
      ...to,
      ...owner,
    })
  await ask(juliet, 'set', `<delete node="${NODE}"/>`, { ...to, ...owner })
  await gets(juliet, 'set', createXml(NODE, { max_items: 'max' }), to)
  await affiliate('romeo@here.example', 'publisher')
  await gets(juliet, 'set', publishXml(NODE, item('hers')), to)
  await gets(romeo, 'set', publishXml(NODE, item('his')), to)
  await affiliate('romeo@here.example', 'none')
  if (who === 'subscriber') {
    await gets(juliet, 'set', `<configure node="${NODE}">${configXml({ access_model: 'open' })}</configure>`, { ...to, ...owner })
    await gets(romeo, 'set', `<subscribe node="${NODE}" jid="romeo@here.example"/>`, to)
  }
  if (!isPrivate) await affiliate('member@far.example', 'member')
  const groups = model === 'roster' ? { roster_groups_allowed: 'Friends' } : {}
  await gets(juliet, 'set', `<configure node="${NODE}">${configXml({ access_model: model, ...groups })}</configure>`, { ...to, ...owner })
  if (who in AFFILIATED && who !== 'owner') await affiliate('romeo@here.example', who)
  if (who === 'owner' && !isOfAccount(scene)) await affiliate('romeo@here.example', 'owner')
}

async function tries({ romeo, juliet, place }: Scene, who: string, action: (typeof ACTIONS)[number]): Promise<string> {
  const isOwnAccount = place === JULIET && who === 'owner'
  const client = isOwnAccount ? juliet : romeo
  const jid = isOwnAccount ? JULIET : 'romeo@here.example'
  const requests: Record<typeof action, ['get' | 'set', xml: string, ns?: string]> = {
    subscribe: ['set', `<subscribe node="${NODE}" jid="${jid}"/>`],
    retrieve: ['get', `<items node="${NODE}"/>`],
    publish: ['set', publishXml(NODE, item('new'))],
    'retract own': ['set', `<retract node="${NODE}"><item id="${isOwnAccount ? 'hers' : 'his'}"/></retract>`],
    retract: ['set', `<retract node="${NODE}"><item id="${isOwnAccount ? 'his' : 'hers'}"/></retract>`],
    purge: ['set', `<purge node="${NODE}"/>`, OWNER],
    configure: ['get', `<configure node="${NODE}"/>`, OWNER],
    affiliations: ['get', `<affiliations node="${NODE}"/>`, OWNER],
    subscriptions: ['get', `<subscriptions node="${NODE}"/>`, OWNER],
    delete: ['set', `<delete node="${NODE}"/>`, OWNER],
  }
  const [type, xml, ns] = requests[action]
  const answer = await ask(client, type, xml, { to: place, ...(ns !== undefined && { ns }) })
  return answer.first()?.first()?.attrs['subscription'] === 'pending' ? 'pending' : conditionOf(answer)
}

async function check(scene: Scene, model: string, who: string, row: string, isPrivate = false): Promise<void> {
  const cells = row.split(' ')
  assert.equal(cells.length, ACTIONS.length)
  for (const [i, action] of ACTIONS.entries()) {
    await prepare(scene, model, who, isPrivate)
    assert.equal(await tries(scene, who, action), MEANING[cells[i]!], `${model}: a ${who} wants to ${action}`)
    for (const client of scene.world.clients) client.forget()
  }
}

async function begin(world: World, place: string): Promise<Scene> {
  return { world, juliet: await world.online('juliet'), romeo: await world.online('romeo'), place }
}

const settings = { settings: { pubsub: { changes: 1_000_000 }, 'pubsub-service': { changes: 1_000_000 } } }
type Rows = Readonly<Record<string, string>>

for (const model of ACCESS_MODELS) {
  const rows: Rows = AT_ACCOUNT[model]
  story(
    `at an account, ${model}`,
    async world => {
      const scene = await begin(world, JULIET)
      for (const who of ['stranger', 'subscriber']) await check(scene, model, who, rows[who]!)
      for (const [who, row] of Object.entries({ ...AFFILIATED, outcast: STRANGE_OUTCAST[model] })) await check(scene, model, who, row)
      if (model === 'whitelist') await check(scene, model, 'stranger', PRIVATE.stranger, true)
      await world.befriend(scene.juliet, scene.romeo)
      for (const [who, row] of Object.entries(AFFILIATED)) await check(scene, model, who, row)
      await check(scene, model, 'contact', rows['contact']!)
      if (model === 'whitelist') await check(scene, model, 'contact', PRIVATE.contact, true)
      await scene.juliet.sends(
        '<iq type="set" id="r1"><query xmlns="jabber:iq:roster"><item jid="romeo@here.example"><group>Friends</group></item></query></iq>',
      )
      await check(scene, model, 'friend', rows['friend']!)
      if (model === 'whitelist') await check(scene, model, 'friend', PRIVATE.friend, true)
    },
    settings,
  )
}

for (const model of ['open', 'authorize', 'whitelist'] as const) {
  story(
    `at the service, ${model}`,
    async world => {
      const scene = await begin(world, SERVICE)
      for (const [who, row] of Object.entries(AT_SERVICE[model])) await check(scene, model, who, row)
      for (const [who, row] of Object.entries(AFFILIATED)) await check(scene, model, who, row)
    },
    settings,
  )
}

story('XEP-0060 §7.1: by its publish model a node is for publishers, for subscribers too, or for all but outcasts', async () => {
  const rows: Record<(typeof PUBLISH_MODELS)[number], string> = {
    publishers: 'owner publisher publish-only',
    subscribers: 'owner publisher publish-only member+ none+',
    open: 'owner publisher publish-only member member+ none none+',
  }
  for (const model of PUBLISH_MODELS) {
    const may = AFFILIATIONS.flatMap(affiliation =>
      [false, true].flatMap(isSubscribed => {
        const refused = refusalOf(
          'publish',
          { affiliation, isSubscribed, seesPresence: false, groups: [] },
          { ...INITIAL, publishModel: model },
        )
        return refused === undefined ? [affiliation + (isSubscribed ? '+' : '')] : []
      }),
    )
    const wanted = rows[model].split(' ').flatMap(who => (/^(owner|publish)/.test(who) ? [who, `${who}+`] : [who]))
    assert.deepEqual(may.sort(), wanted.sort(), model)
  }
})

// XEP-0084: User Avatar, XEP-0153: vCard-Based Avatars, XEP-0398: User Avatar to vCard-Based Avatars Conversion

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import { presenceBroadcast, presenceOut, presenceShaped } from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { itemPublished, itemRetracted, type NodeChange, nodeConfigured, pubsub } from '../pubsub/pubsub.ts'
import type { Image } from './image.ts'
import {
  AvatarData,
  AvatarMetadata,
  dataElement,
  metadataElement,
  type Named,
  noAvatar,
  readData,
  readMetadata,
  saysNoPhoto,
  withoutUpdate,
  withPhotoHash,
} from './photo.ts'

export { photoElement, readPhoto } from './photo.ts'

const DATA = AvatarData.uri
const METADATA = AvatarMetadata.uri

export interface AvatarApi {
  /** The avatar, if there is one and this address may see it. */
  shownTo(account: Account, address: Jid): Promise<Image | undefined>
  /** What puts this one, or none at all, in the place of the one that there is: nothing where it is there already. */
  changesTo(account: Account, image: Image | undefined): Promise<NodeChange[]>
}

export const avatar = defineModule({
  name: 'avatar',
  about: 'Users have one avatar, which clients of both kinds publish and see: as an item of a node, and as the photo of the card.',
  xeps: [
    xep(84, '1.1.4'),
    xep(153, '1.1.1'),
    xep(398, '1.0.0', 'partial', 'presence has the hash for those who may see the avatar: others it would tell who is behind a nickname'),
  ],
  accountFeatures: ['urn:xmpp:pep-vcard-conversion:0'],
  needs: { pubsub },

  setup({ hooks, needs: { pubsub: pep }, on }): AvatarApi {
    /** The hash of each avatar, once it was asked for; '' where there is none any more, undefined where there never was. */
    const hashes = new WeakMap<Account, string | undefined>()
    /** What subscribers were told last. */
    const told = new WeakMap<Account, string | undefined>()
    /** Whose new data wait for what refers to them: until then the avatar is the old one, even if its data have made room. */
    const waiting = new WeakSet<Account>()
    /** Clients that say themselves that there is no photo. */
    const silent = new WeakSet<Session>()

    on(presenceShaped, async function tellHash(event) {
      const { session, stanza } = event
      if (stanza.attrs['type'] !== undefined) return
      if (saysNoPhoto(stanza)) silent.add(session)
      else silent.delete(session)
      const hash = await hashForSubscribers(session.account)
      told.set(session.account, hash)
      event.stanza = withPhotoHash(stanza, hash)
    })
    // XEP-0398 §4: in directed presence too, such as that to a room.
    on(presenceOut.change, async function tellHashTo(envelope) {
      const { account, stanza, to } = envelope
      if (stanza.attrs['type'] !== undefined || !(await maySee(account, to))) return
      envelope.stanza = withPhotoHash(stanza, await hashIfOpen(account))
    })
    on(itemPublished, function hearOfNew({ account, node }) {
      if (node === METADATA) waiting.delete(account)
      else if (node === DATA && hashes.get(account)) waiting.add(account)
      if (node === METADATA || (node === DATA && !hashes.get(account))) return tellAnew(account)
    })
    on(itemRetracted, async function hearOfNone({ account, node }) {
      if (node === METADATA || (node === DATA && (!waiting.has(account) || (await pep.item(account, DATA)) === undefined)))
        return tellAnew(account)
    })

    on(nodeConfigured, function hearOfOtherReaders({ account, node }) {
      if (node === METADATA || node === DATA) return tellAnew(account)
    })

    /** Contacts whose clients know photos alone hear of it in presence. */
    async function tellAnew(account: Account): Promise<void> {
      hashes.delete(account)
      if (!told.has(account)) return
      const before = told.get(account)
      // Who has heard of one hears that it is gone, however it went.
      const hash = (await hashForSubscribers(account)) ?? (before === undefined ? undefined : '')
      if (hash === before) return
      told.set(account, hash)
      for (const session of [...account.available()]) {
        if (silent.has(session)) continue
        await hooks.run(presenceBroadcast, { session, stanza: withPhotoHash(withoutUpdate(session.presence!), hash) })
      }
    }

    /** All hear the same presence: where one of them may not see the avatar, none is told. */
    async function hashForSubscribers(account: Account): Promise<string | undefined> {
      return (await pep.mayAllRead(account, DATA)) && (await pep.mayAllRead(account, METADATA)) ? hashOf(account) : undefined
    }

    async function hashOf(account: Account): Promise<string | undefined> {
      if (!hashes.has(account)) {
        const metadata = await pep.item(account, METADATA)
        hashes.set(account, metadata === undefined ? undefined : ((await read(account))?.id ?? ''))
      }
      return hashes.get(account)
    }

    /** Presence to the account itself goes its way while a private avatar is locked. */
    const hashIfOpen = (account: Account): Promise<string | undefined> =>
      hashOf(account).catch(error => {
        if (!(error instanceof StanzaError)) throw error
        return undefined
      })

    /** Which item of the data node is the avatar. */
    async function named(account: Account): Promise<Named | undefined> {
      const metadata = (await pep.item(account, METADATA))?.payload
      return metadata && readMetadata(metadata)
    }

    async function read(account: Account): Promise<Image | undefined> {
      const name = await named(account)
      const data = name && (await pep.item(account, DATA, name.id))?.payload
      return data && readData(data, name)
    }

    // XEP-0398 §6: who may not see both of the nodes does not see the photo either.
    const maySee = async (account: Account, address: Jid): Promise<boolean> =>
      (await pep.mayRead(account, METADATA, address)) && pep.mayRead(account, DATA, address)

    return {
      shownTo: async (account, address) => ((await maySee(account, address)) ? read(account) : undefined),
      async changesTo(account, image) {
        if (image === undefined) {
          const name = await named(account)
          if (name === undefined) return []
          return [
            { node: METADATA, publish: [{ id: name.id, payload: noAvatar() }] },
            { node: DATA, retract: [name.id] },
          ]
        }
        if ((await read(account))?.id === image.id) return []
        return [
          { node: DATA, publish: [{ id: image.id, payload: dataElement(image) }] },
          { node: METADATA, publish: [{ id: image.id, payload: metadataElement(image) }] },
        ]
      },
    }
  },
})

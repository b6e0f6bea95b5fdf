import { type Element, namespace } from '../../xml/element.ts'
import { type Image, readImage } from './image.ts'

/** XEP-0084. */
export const AvatarData = namespace<'data'>('urn:xmpp:avatar:data')
export const AvatarMetadata = namespace<'metadata' | 'info' | 'pointer'>('urn:xmpp:avatar:metadata')
/** XEP-0054, as far as it is about the photo. */
const Card = namespace<'PHOTO' | 'TYPE' | 'BINVAL'>('vcard-temp')
/** XEP-0153. */
const Update = namespace<'x' | 'photo'>('vcard-temp:x:update')

export const dataElement = ({ bytes }: Image): Element => AvatarData('data', {}, bytes.toString('base64'))

export const metadataElement = ({ id, bytes, type, width, height }: Image): Element =>
  AvatarMetadata(
    'metadata',
    {},
    AvatarMetadata('info', { bytes: String(bytes.length), id, type, width: width?.toString(), height: height?.toString() }),
  )

/** XEP-0084 §3.5: there is no avatar. */
export const noAvatar = (): Element => AvatarMetadata('metadata')

/** Which item of the data node is the avatar, and what it is said to be. */
export interface Named {
  readonly id: string
  readonly type: string | undefined
}

/** Undefined where there is no avatar, or only one elsewhere. */
export function readMetadata(metadata: Element): Named | undefined {
  // XEP-0398 §3.1: the one that does not point to an external URL.
  const info = metadata.all(AvatarMetadata, 'info').find(({ attrs }) => attrs['url'] === undefined && attrs['id'] !== undefined)
  return info && { id: info.attrs['id']!, type: info.attrs['type'] }
}

/** The avatar out of the data node. XEP-0398 §3.1: undefined where its hash is another than its id. */
export function readData(data: Element, { id, type }: Named): Image | undefined {
  const image = data.is(AvatarData, 'data') ? readImage(data.text, type ?? 'image/png') : undefined
  return image?.id === id.toLowerCase() ? image : undefined
}

/** The photo within a card, as an avatar; undefined where it is not within, but elsewhere (`EXTVAL`), or is no image. */
export function readPhoto(photo: Element): Image | undefined {
  return readImage(photo.child(Card, 'BINVAL')?.text ?? '', photo.child(Card, 'TYPE')?.text)
}

export const photoElement = ({ type, bytes }: Image): Element =>
  Card('PHOTO', {}, Card('TYPE', {}, type), Card('BINVAL', {}, bytes.toString('base64')))

/** XEP-0153 §4.1: the client says that there is no photo. */
export const saysNoPhoto = (presence: Element): boolean => photoIn(presence) === ''

const photoIn = (presence: Element): string | undefined => presence.child(Update, 'x')?.child(Update, 'photo')?.text.trim()

/**
 * XEP-0398 §4: available presence with the hash of the avatar, but for that of a client which says that there is none. '' stands for no
 * avatar any more, and undefined for none at all: then a client may say what it likes.
 */
export function withPhotoHash(presence: Element, hash: string | undefined): Element {
  if (hash === undefined || saysNoPhoto(presence) || (hash === '' && photoIn(presence) !== undefined)) return presence
  return withoutUpdate(presence).add(Update('x', {}, hash === '' ? Update('photo') : Update('photo', {}, hash)))
}

export const withoutUpdate = (presence: Element): Element => presence.without(child => child.is(Update, 'x'))

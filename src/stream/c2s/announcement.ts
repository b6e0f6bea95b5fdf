import type { LocalHost } from '../../core/host.ts'
import { type ChannelBinding, channelBindingTypes } from '../../sasl/channel-binding.ts'
import { tokenMechanismsFor } from '../../sasl/ht.ts'
import { type MechanismSwitches, mechanismsFor } from '../../sasl/mechanisms.ts'
import type { Offer } from '../../sasl/offer.ts'
import { UPGRADE_TASKS } from '../../sasl/upgrade.ts'
import type { Element } from '../../xml/element.ts'
import { Bind2, ChannelBindings, Etherx, Fast, Sasl, Sasl2, SaslUpgrade, Sm } from '../namespaces.ts'

/** How one may authenticate: the same lists for SASL and SASL2, each hashed as announced (XEP-0474). */
export interface Announcement {
  readonly offer: Offer
  readonly features: readonly Element[]
}

interface Known extends Announcement {
  readonly switches: MechanismSwitches
}

/** By TLS version: 25 elements that are the same for nearly every connection, and are serialised once. */
const known = new WeakMap<LocalHost, Map<ChannelBinding['tlsVersion'], Known>>()

/** What the host announces where channels can be bound like this. Modules that are set up later are not in it. */
export function announcementFor(host: LocalHost, binding: ChannelBinding, switches: MechanismSwitches): Announcement {
  let ofHost = known.get(host)
  if (ofHost === undefined) known.set(host, (ofHost = new Map()))
  const before = ofHost.get(binding.tlsVersion)
  if (before?.switches === switches) return before
  const offer = { mechanisms: mechanismsFor(binding, switches), channelBindings: channelBindingTypes(binding) }
  const made = {
    offer,
    features: featuresOf(offer, host.stream.inlineFeatures(), host.tokens.areGiven ? tokenMechanismsFor(binding) : []),
    switches,
  }
  ofHost.set(binding.tlsVersion, made)
  return made
}

/** Lists of features, latest first, that streams of a host were offered; so many are looked through. */
const offered = new WeakMap<LocalHost, Element[]>()
const MOST_OFFERED = 8

/** `<features/>` with these in it: one element for all streams that are offered the very same ones, as it is serialised once. */
export function featuresElement(host: LocalHost, features: readonly Element[]): Element {
  const before = offered.get(host) ?? []
  const same = before.find(({ children }) => children.length === features.length && features.every((feature, i) => feature === children[i]))
  if (same !== undefined) return same
  const made = Etherx('features', {}, ...features)
  offered.set(host, [made, ...before].slice(0, MOST_OFFERED))
  return made
}

function featuresOf(
  { mechanisms, channelBindings }: Offer,
  inlineFeatures: readonly string[],
  tokenMechanisms: readonly string[],
): Element[] {
  const bind2 = Bind2('bind', {}, Bind2('inline', {}, ...[...inlineFeatures, Sm.uri].map(feature => Bind2('feature', { var: feature }))))
  // XEP-0484 §3.1; without `tls-0rtt`, as early data can be replayed and are never taken.
  const fast = tokenMechanisms.length === 0 ? [] : [Fast('fast', {}, ...tokenMechanisms.map(name => Fast('mechanism', {}, name)))]
  const features = [
    Sasl('mechanisms', {}, ...mechanisms.map(name => Sasl('mechanism', {}, name))),
    Sasl2(
      'authentication',
      {},
      ...mechanisms.map(name => Sasl2('mechanism', {}, name)),
      Sasl2('inline', {}, bind2, Sm('sm'), ...fast),
      ...UPGRADE_TASKS.map(task => SaslUpgrade('upgrade', {}, task)),
    ),
  ]
  // XEP-0440 §3: it lists at least one type.
  if (channelBindings.length === 0) return features
  return [
    ...features,
    ChannelBindings('sasl-channel-binding', {}, ...channelBindings.map(type => ChannelBindings('channel-binding', { type }))),
  ]
}

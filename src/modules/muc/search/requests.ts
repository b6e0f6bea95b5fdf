import { LimitedEach } from '../../../lib/limited.ts'
import type { Context } from '../context.ts'
import { isForForm, readSearch, Search, searchForm, tooManySearches } from './form.ts'
import { type Findable, resultElement } from './search.ts'

const MINUTE = 60_000
/** So many are remembered who have searched. */
const REMEMBERED = 5000
/** So many rooms are in one answer at most. */
const LARGEST_PAGE = 100
/** When who has searched too often may come again, in seconds. */
const RETRY_AFTER = 30

/** Lets everybody search for rooms whose owners want that (§4). */
export function letSearch(context: Context): void {
  const { clock, described, service, settings } = context
  const searches = new LimitedEach(settings.searches, MINUTE, () => clock.now(), REMEMBERED)
  service.iq.get(Search, 'search', async ({ from, payload }) => {
    if (isForForm(payload)) return searchForm()
    const wanted = readSearch(payload, LARGEST_PAGE)
    if (searches.isTooMuch(String(from.bare))) throw tooManySearches(RETRY_AFTER)
    return resultElement(await allRooms(context), wanted)
  })
  described.features.push(Search.uri)
}

/** On disk, and in memory. */
async function allRooms({ jid, rooms }: Context): Promise<Findable[]> {
  const listed = await rooms.rows.listed()
  const all = new Map(listed.map(({ name, config }) => [name, { address: `${name}@${jid.domain}`, config, occupants: 0 }]))
  for (const { state, config, occupants, isLocked } of rooms.all())
    if (isLocked) all.delete(state.name)
    else all.set(state.name, { address: `${state.name}@${jid.domain}`, config, occupants: occupants.size })
  return [...all.values()]
}

/** Servers with servers: each pair in each way in which they can reach each other and prove who they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unlessInstalled } from './installed.ts'
import { conexizan } from './network/conexizan.ts'
import { ejabberd } from './network/ejabberd.ts'
import { enterNetwork } from './network/isolation.ts'
import type { Member, Software, Way } from './network/member.ts'
import { Network } from './network/network.ts'
import { prosody } from './network/prosody.ts'
import { interrupt } from './network/restart.ts'
import { block, chat, discover, flood, miss, NAME, subscribe } from './network/scenarios.ts'

const impossible = enterNetwork()

const WAYS: readonly Way[] = [
  { connection: 'starttls', mechanism: 'dialback' },
  { connection: 'starttls', mechanism: 'external' },
  { connection: 'direct', mechanism: 'dialback' },
  { connection: 'direct', mechanism: 'external' },
]
const PAIRS: readonly (readonly [Software, Software])[] = [
  [prosody, ejabberd], // so that what goes wrong with ours is known to be ours
  [conexizan, prosody],
  [conexizan, ejabberd],
  [conexizan, conexizan],
]
const CONNECTION = { starttls: 'STARTTLS', direct: 'direct TLS' }
const MECHANISM = { dialback: 'dialback', external: 'EXTERNAL' }

for (const [left, right] of PAIRS) {
  const skip = impossible ?? unlessInstalled(...[left, right].map(({ name }) => name)).skip
  for (const way of WAYS) {
    test(`${left.name} and ${right.name} by ${CONNECTION[way.connection]} and ${MECHANISM[way.mechanism]}`, { skip }, async t => {
      await using network = await Network.open(way, [left, right])
      const { left: one, right: other } = network
      await Promise.all([one, other].flatMap(member => member.domains.map(domain => member.addUser(NAME, domain))))
      await t.test('users of all their domains chat', () => chat(one, other))
      await t.test('users become contacts, and see each other come and go', () => subscribe(one, other))
      for (const [here, there] of [
        [one, other],
        [other, one],
      ] as const) {
        const [ours, theirs] = [here, there].map(nameOf)
        await t.test(`a user of ${ours} sees what ${theirs} is`, () => discover(here, there))
        await t.test(`a user of ${ours} blocks one of ${theirs}, and relents`, () => block(here, there))
        await t.test(`a user of ${ours} is told that a domain is not there`, () => miss(here))
      }
      await t.test('1,000 messages each way arrive in order', () => flood(one, other))
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        for (const restarted of [from, to]) {
          // How others restart among themselves is theirs.
          if (!from.software.isSafe && !restarted.software.isSafe) continue
          await t.test(`${nameOf(restarted)} restarts while ${nameOf(from)} sends`, () => survive(from, to, restarted))
        }
      }
    })
  }
}

/** A pair of the same software is told apart by domains. */
const nameOf = ({ software, domain }: Member): string => `${software.name} (${domain})`

/** Law 7: acknowledged means safe, for what the one has acknowledged and, where it stays, for what it handed over. */
async function survive(from: Member, to: Member, restarted: Member): Promise<void> {
  const ending = restarted.software.isSafe ? 'kill' : 'stop'
  const isSafe = from.software.isSafe && (restarted === from || to.software.isSafe)
  const history = await interrupt({ from, to, restarted, ending, isSafe })
  if (isSafe) assert.deepEqual({ lost: history.lost(), disordered: history.disordered() }, { lost: [], disordered: [] })
}

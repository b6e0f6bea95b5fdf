/** Roles × affiliations × actions, every cell; what each may is written here from the tables and sections of XEP-0045. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StanzaError } from '../../xmpp/error.ts'
import { ACTIONS, type Action, refusalOf, refusalOfAffiliation, refusalOfRole } from './access.ts'
import { INITIAL, type RoomConfig } from './config.ts'
import { type Affiliation, usualRole } from './standing.ts'

const MEANING: Readonly<Record<string, string>> = {
  '+': 'ok',
  a: 'modify not-acceptable',
  c: 'cancel conflict',
  f: 'auth forbidden',
  i: 'cancel item-not-found',
  n: 'cancel not-allowed',
  p: 'wait policy-violation',
  r: 'auth registration-required',
  u: 'wait service-unavailable',
}
const answerOf = (refused: StanzaError | undefined): string => (refused === undefined ? 'ok' : `${refused.type} ${refused.condition}`)

/** Four groups: nobody in the room, a visitor, a participant, a moderator; each as outcast, without affiliation, as member, admin, owner. */
const ROLES = ['none', 'visitor', 'participant', 'moderator'] as const
const AFFILIATIONS = ['outcast', 'none', 'member', 'admin', 'owner'] as const

const OPEN: RoomConfig = { ...INITIAL, isPublic: true, isMembersOnly: false, whois: 'moderators' }
const PRIVATE: RoomConfig = INITIAL

/** By action: in which room, and the twenty cells. */
const TABLE: Readonly<Record<Action, readonly (readonly [room: string, config: RoomConfig, cells: string])[]>> = {
  know: [
    ['public', OPEN, '+++++ +++++ +++++ +++++'],
    ['public and members-only', { ...OPEN, isMembersOnly: true }, '+++++ +++++ +++++ +++++'],
    ['hidden and open', { ...OPEN, isPublic: false }, 'i++++ i++++ i++++ i++++'],
    ['hidden and members-only', PRIVATE, 'ii+++ i++++ i++++ i++++'],
  ],
  enter: [
    ['open', OPEN, 'f++++ f++++ f++++ f++++'],
    ['members-only', PRIVATE, 'fr+++ fr+++ fr+++ fr+++'],
  ],
  enterFull: [['any', OPEN, 'uuu++ uuu++ uuu++ uuu++']],
  readArchive: [
    ['open', OPEN, 'f++++ f++++ f++++ f++++'],
    ['open with a password', { ...OPEN, password: 'cauldronburn' }, 'ff+++ f++++ f++++ f++++'],
    ['members-only', PRIVATE, 'ff+++ f++++ f++++ f++++'],
  ],
  speak: [['any', OPEN, 'aaaaa fffff f++++ f++++']],
  speakFast: [['any', OPEN, 'ppp++ ppp++ ppp++ ppp++']],
  changeSubject: [
    ['usual', OPEN, 'aaaaa fffff fffff f++++'],
    ['participants may', { ...OPEN, changeSubject: true }, 'aaaaa fffff f++++ f++++'],
  ],
  sendPrivately: [
    ['anyone', OPEN, 'aaaaa f++++ f++++ f++++'],
    ['participants', { ...OPEN, allowPm: 'participants' }, 'aaaaa fffff f++++ f++++'],
    ['moderators', { ...OPEN, allowPm: 'moderators' }, 'aaaaa fffff fffff f++++'],
    ['nobody', { ...OPEN, allowPm: 'none' }, 'aaaaa fffff fffff fffff'],
  ],
  ask: [['any', OPEN, 'aaaaa f++++ f++++ f++++']],
  changeNick: [['any', OPEN, 'aaaaa f++++ f++++ f++++']],
  changePresence: [['any', OPEN, 'aaaaa f++++ f++++ f++++']],
  bePresent: [
    ['usual', OPEN, 'fffff f++++ f++++ f++++'],
    ['without visitors', { ...OPEN, presenceBroadcast: ['moderator', 'participant'] }, 'fffff fffff f++++ f++++'],
    ['of moderators and visitors', { ...OPEN, presenceBroadcast: ['moderator', 'visitor'] }, 'fffff f++++ fffff f++++'],
    ['of nobody', { ...OPEN, presenceBroadcast: [] }, 'fffff fffff fffff fffff'],
  ],
  seeAddresses: [
    ['semi-anonymous', OPEN, 'fffff fffff fffff f++++'],
    ['non-anonymous', PRIVATE, 'fffff f++++ f++++ f++++'],
  ],
  seeOccupants: [['any', OPEN, 'fffff f++++ f++++ f++++']],
  invite: [
    ['open', OPEN, 'fff++ f++++ f++++ f++++'],
    ['members-only', PRIVATE, 'fff++ fff++ fff++ fff++'],
    ['members-only, members may', { ...PRIVATE, allowInvites: true }, 'ff+++ ff+++ ff+++ ff+++'],
  ],
  register: [['any', OPEN, 'n++++ n++++ n++++ n++++']],
  requestVoice: [['any', OPEN, 'fffff f++++ f++++ f++++']],
  approveVoice: [['any', OPEN, 'fffff fffff fffff f++++']],
  moderate: [['any', OPEN, 'fffff fffff fffff f++++']],
  listVoice: [['any', OPEN, 'fffff fffff fffff f++++']],
  listModerators: [['any', OPEN, 'fff++ fff++ fff++ fff++']],
  listMembers: [
    ['semi-anonymous', OPEN, 'fff++ fff++ fff++ f++++'],
    ['semi-anonymous, for admins', { ...OPEN, getMemberList: ['visitor'] }, 'fff++ fff++ fff++ fff++'],
    ['non-anonymous', PRIVATE, 'ff+++ f++++ f++++ f++++'],
    ['non-anonymous, for moderators and members', { ...PRIVATE, getMemberList: ['moderator'] }, 'ff+++ ff+++ ff+++ f++++'],
    ['non-anonymous, for admins', { ...PRIVATE, getMemberList: [] }, 'fff++ fff++ fff++ fff++'],
  ],
  listAdmins: [
    ['semi-anonymous', OPEN, 'ffff+ ffff+ ffff+ ffff+'],
    ['non-anonymous', PRIVATE, 'ff+++ f++++ f++++ f++++'],
  ],
  listOwners: [
    ['semi-anonymous', OPEN, 'ffff+ ffff+ ffff+ ffff+'],
    ['non-anonymous', PRIVATE, 'ff+++ f++++ f++++ f++++'],
  ],
  listOutcasts: [['any', PRIVATE, 'fff++ fff++ fff++ fff++']],
  approveRegistration: [['any', OPEN, 'fff++ fff++ fff++ fff++']],
  listHats: [
    ['open', OPEN, 'f++++ f++++ f++++ f++++'],
    ['members-only', PRIVATE, 'ff+++ f++++ f++++ f++++'],
  ],
  changeHats: [['any', OPEN, 'fff++ fff++ fff++ fff++']],
  configure: [['any', OPEN, 'ffff+ ffff+ ffff+ ffff+']],
  changeAvatar: [['any', OPEN, 'ffff+ ffff+ ffff+ ffff+']],
  destroy: [['any', OPEN, 'ffff+ ffff+ ffff+ ffff+']],
}

for (const action of ACTIONS)
  for (const [room, config, cells] of TABLE[action])
    test(`XEP-0045 §5.1.1, §5.2.1: ${action}, ${room}`, () => {
      const groups = cells.split(' ')
      for (const [i, role] of ROLES.entries())
        for (const [j, affiliation] of AFFILIATIONS.entries())
          assert.equal(
            answerOf(refusalOf(action, { role, affiliation }, config)),
            MEANING[groups[i]![j]!],
            `a ${role} whose affiliation is ${affiliation}`,
          )
    })

/** By the affiliation of a moderator, the occupant's role, and the role that he is to have: as the occupant is none, member, admin, owner. */
const ROLE_CHANGES = {
  none: {
    visitor: { none: '+nnn', visitor: '++++', participant: '++++', moderator: 'ffff' },
    participant: { none: '+nnn', visitor: 'nnnn', participant: '++++', moderator: 'ffff' },
    moderator: { none: 'nnnn', visitor: 'ffnn', participant: 'ffnn', moderator: '++++' },
  },
  member: {
    visitor: { none: '++nn', visitor: '++++', participant: '++++', moderator: 'ffff' },
    participant: { none: '++nn', visitor: '+nnn', participant: '++++', moderator: 'ffff' },
    moderator: { none: 'nnnn', visitor: 'ffnn', participant: 'ffnn', moderator: '++++' },
  },
  admin: {
    visitor: { none: '+++n', visitor: '++++', participant: '++++', moderator: '++++' },
    participant: { none: '+++n', visitor: '++nn', participant: '++++', moderator: '++++' },
    moderator: { none: '+++n', visitor: '++nn', participant: '++nn', moderator: '++++' },
  },
  owner: {
    visitor: { none: '++++', visitor: '++++', participant: '++++', moderator: '++++' },
    participant: { none: '++++', visitor: '++nn', participant: '++++', moderator: '++++' },
    moderator: { none: '++++', visitor: '++nn', participant: '++nn', moderator: '++++' },
  },
}
const SUBJECT_TO = ['none', 'member', 'admin', 'owner'] as const

for (const actor of SUBJECT_TO)
  test(`XEP-0045 §8.2 to §8.5, §9.6 to §9.8: the roles that a moderator gives whose affiliation is ${actor}`, () => {
    for (const role of ROLES.slice(1))
      for (const to of ROLES)
        for (const [i, affiliation] of SUBJECT_TO.entries()) {
          const expected = MEANING[ROLE_CHANGES[actor][role as 'visitor'][to][i]!]
          const refused = refusalOfRole({ role: 'moderator', affiliation: actor }, { role, affiliation }, to)
          assert.equal(answerOf(refused), expected, `a ${role} whose affiliation is ${affiliation} is to be ${to}`)
        }
  })

test('XEP-0045 §8: who is no moderator gives no roles, whatever his affiliation', () => {
  for (const role of ROLES.slice(0, 3))
    for (const affiliation of AFFILIATIONS)
      for (const target of ROLES.slice(1))
        for (const to of ROLES)
          for (const of of SUBJECT_TO)
            assert.equal(answerOf(refusalOfRole({ role, affiliation }, { role: target, affiliation: of }, to)), MEANING['f'])
})

test('XEP-0045 §8.2: nobody kicks himself; who is moderator for a visit may give that up', () => {
  for (const affiliation of SUBJECT_TO) {
    const self = { role: 'moderator', affiliation } as const
    const may = affiliation === 'none' || affiliation === 'member'
    assert.equal(answerOf(refusalOfRole(self, self, 'none', true)), MEANING['c'])
    assert.equal(answerOf(refusalOfRole(self, self, 'participant', true)), MEANING[may ? '+' : 'n'])
  }
})

/** By who changes it and what somebody was: what he is to be, outcast, none, member, admin, owner (XEP-0045 §5.2.2). */
const AFFILIATION_CHANGES: Readonly<Record<'admin' | 'owner', Readonly<Record<Affiliation, string>>>> = {
  admin: { outcast: '+++ff', none: '+++ff', member: '+++ff', admin: 'nffff', owner: 'nffff' },
  owner: { outcast: '+++++', none: '+++++', member: '+++++', admin: '+++++', owner: '+++++' },
}

test('XEP-0045 §5.2.2, §9.1 to §9.5, §10.3 to §10.8: every change of an affiliation', () => {
  for (const actor of AFFILIATIONS)
    for (const from of AFFILIATIONS)
      for (const [i, to] of AFFILIATIONS.entries()) {
        const expected = actor === 'admin' || actor === 'owner' ? AFFILIATION_CHANGES[actor][from][i]! : 'f'
        assert.equal(answerOf(refusalOfAffiliation(actor, from, to)), MEANING[expected], `${actor} makes ${from} ${to}`)
      }
})

test('XEP-0045 §9.1, §9.2: nobody bans himself', () => {
  for (const actor of ['admin', 'owner'] as const)
    assert.equal(answerOf(refusalOfAffiliation(actor, actor, 'outcast', { isSelf: true })), MEANING['c'])
})

test('XEP-0045 §10.2, §10.4, §10.5: the last owner stays one, others may go', () => {
  for (const to of AFFILIATIONS) {
    assert.equal(
      answerOf(refusalOfAffiliation('owner', 'owner', to, { isSelf: true, isLastOwner: true })),
      MEANING[to === 'owner' ? '+' : 'c'],
    )
    assert.equal(answerOf(refusalOfAffiliation('owner', 'owner', to, { isSelf: true })), MEANING[to === 'outcast' ? 'c' : '+'])
  }
})

test('XEP-0045 §5.1.2: the role with which somebody enters', () => {
  const roles = (isModerated: boolean): string[] =>
    (['none', 'member', 'admin', 'owner'] as const).map(each => usualRole(each, { isModerated }))
  assert.deepEqual(roles(true), ['visitor', 'participant', 'moderator', 'moderator'])
  assert.deepEqual(roles(false), ['participant', 'participant', 'moderator', 'moderator'])
})

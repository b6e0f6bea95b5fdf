import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, type StoryOptions, story, World } from '../../test/story.ts'
import { Forms, readForm } from '../xmpp/forms.ts'

const FORM_TYPE = 'urn:xmpp:data-policy:0'

/** The values of the form, by the names of its fields. */
async function policy(client: Client): Promise<Record<string, string>> {
  await client.sends('<iq type="get" id="d1" to="here.example"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  const forms = client.receives('<iq type="result" id="d1"/>').first()!.all(Forms, 'x').map(readForm)
  const { fields } = forms.find(form => form.formType === FORM_TYPE)!
  return Object.fromEntries(fields.map(({ var: name = '', values = [] }) => [name, values.join(' ')]))
}

const told = (title: string, settings: StoryOptions['settings'], expected: Readonly<Record<string, string | RegExp | undefined>>): void =>
  story(
    title,
    async world => {
      const found = await policy(await world.connect('romeo'))
      for (const [name, value] of Object.entries(expected)) {
        if (value instanceof RegExp) assert.match(found[name]!, value)
        else assert.equal(found[name], value, name)
      }
    },
    { settings: settings! },
  )

told(
  'XEP-0504 §3: discovery tells what becomes of the users’ data',
  {},
  {
    auth_data: 'hidden',
    data_retention: '192',
    data_deletion: 'true',
    encryption_at_rest: 'true',
    data_export: 'false',
    full_erasure: 'true',
    access_policy: 'admins',
    backup_frequency: '0',
    backup_retention: '0',
    tos: undefined,
    extra_info: /7 days\. Each user can choose otherwise\..*live in memory alone/,
  },
)
told('where nothing is kept, nothing is said to be', { retention: { usual: 'relay' } }, { data_retention: '0', extra_info: /Nothing/ })
told('a day is a day and an hour at most', { retention: { usual: '1d' } }, { data_retention: '25' })
told('what users may not choose is not kept for them', { retention: { longest: '1d' } }, { data_retention: '25' })
told(
  'where there is nothing to choose, nobody is said to',
  { retention: { longest: 'relay' } },
  { data_retention: '0', extra_info: /^How long messages are kept: [^.]*\. Stored/ },
)
told(
  'what the operator does is told as the operator says',
  { 'data-policy': { access: ['admins', 'government'], terms: 'https://here.example/terms', backupEvery: '24h', backupKept: '7d' } },
  { access_policy: 'admins government', tos: 'https://here.example/terms', backup_frequency: '24', backup_retention: '168' },
)
told(
  'how long backups are kept may be unknown',
  { 'data-policy': { backupEvery: '12h' } },
  { backup_frequency: '12', backup_retention: 'unknown' },
)

const arrangements = { showsPasswords: true, secrets: 'file' as 'file' | 'memory' }
story(
  'what is told of passwords and secrets is true of now',
  async world => {
    const romeo = await world.connect('romeo')
    const before = await policy(romeo)
    assert.equal(before['auth_data'], 'plain')
    assert.match(before['extra_info']!, /on a disk of the server until they are destroyed/)
    arrangements.showsPasswords = false
    assert.equal((await policy(romeo))['auth_data'], 'hidden')
  },
  { arrangements },
)

test('nobody is told that the operator has no access', async () => {
  await assert.rejects(World.open({ settings: { 'data-policy': { access: ['none'] } } }), /data-policy\.access/)
})

// XEP-0202: Entity Time

import { defineModule, xep } from '../core/module.ts'
import { namespace } from '../xml/element.ts'
import { writeDateTime } from '../xmpp/date-time.ts'

const Time = namespace<'time' | 'tzo' | 'utc'>('urn:xmpp:time')

export const time = defineModule({
  name: 'time',
  about: 'The server tells the time, always in UTC: where it stands is nobody’s business.',
  xeps: [xep(202, '2.0')],
  features: [Time.uri],

  setup({ iq, clock }) {
    iq.host.get(Time, 'time', () => Time('time', {}, Time('tzo', {}, '+00:00'), Time('utc', {}, writeDateTime(clock.now()))))
  },
})

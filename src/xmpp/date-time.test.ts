import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readDateTime, writeDateTime } from './date-time.ts'

test('the examples of XEP-0082 name one moment', () => {
  const moon = Date.UTC(1969, 6, 21, 2, 56, 15)
  assert.equal(readDateTime('1969-07-21T02:56:15Z'), moon)
  assert.equal(readDateTime('1969-07-20T21:56:15-05:00'), moon)
})

test('fractions of a second may have any number of digits', () => {
  assert.equal(readDateTime('1970-01-01T00:00:00.5Z'), 500)
  assert.equal(readDateTime('1970-01-01T00:00:00.123999Z'), 123)
  assert.equal(readDateTime('1970-01-01T02:30:00.001+02:30'), 1)
  assert.equal(readDateTime('0001-01-01T00:00:00Z'), Date.parse('0001-01-01T00:00:00Z'))
})

test('what is no moment is refused', () => {
  for (const text of [
    '',
    '1969-07-21',
    '02:56:15Z',
    '1969-07-21T02:56:15',
    '1969-07-21 02:56:15Z',
    '1969-07-21T02:56Z',
    '19690721T02:56:15',
    '1969-02-29T00:00:00Z',
    '1969-13-01T00:00:00Z',
    '1969-00-01T00:00:00Z',
    '1969-07-00T00:00:00Z',
    '1969-07-21T24:00:00Z',
    '1969-07-21T02:60:00Z',
    '1969-07-21T02:56:60Z',
    '1969-07-21T02:56:15.Z',
    '1969-07-21T02:56:15+15:00',
    '1969-07-21T02:56:15+01:60',
    '1969-07-21T02:56:15z',
    ' 1969-07-21T02:56:15Z',
    '+01969-07-21T02:56:15Z',
  ]) {
    assert.equal(readDateTime(text), undefined, text)
  }
})

test('what is written in UTC is read back to the millisecond', () => {
  assert.equal(writeDateTime(0), '1970-01-01T00:00:00.000Z')
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
      date => {
        assert.equal(readDateTime(writeDateTime(date.getTime())), date.getTime())
      },
    ),
  )
})

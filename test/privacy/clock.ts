/** Loaded before a program, it sets its clock ahead by as many ms as PRIVACY_CLOCK says. */
import { join } from 'node:path'

const ahead = Number(process.env['PRIVACY_CLOCK'])
const RealDate = Date

class ShiftedDate extends RealDate {
  constructor(...given: [] | [string | number]) {
    super(...((given.length === 0 ? [ShiftedDate.now()] : given) as [number]))
  }

  static override now(): number {
    return RealDate.now() + ahead
  }
}

if (!Number.isNaN(ahead)) globalThis.Date = ShiftedDate as DateConstructor

/** The server's program with its clock so far ahead, as arguments of a shell. */
export const programAt = (ms: number): string[] => [
  'env',
  `PRIVACY_CLOCK=${ms}`,
  process.execPath,
  '--import',
  import.meta.filename,
  join(import.meta.dirname, '../../bin/entry.ts'),
]

import { randomInt } from 'node:crypto'
import { fuzz } from './xml.ts'

// usage: npm run fuzz [-- count [seed]]
const count = Number(process.argv[2] ?? 2_000_000)
const seed = Number(process.argv[3] ?? randomInt(2 ** 31))
console.log(`${count} documents from seed ${seed}`)
const STEP = 50_000
const total = new Map<string, number>()
for (let done = 0; done < count; done += STEP) {
  for (const [what, times] of fuzz(seed + done, Math.min(STEP, count - done))) total.set(what, (total.get(what) ?? 0) + times)
}
for (const [what, times] of total) console.log(`${String(times).padStart(9)}  ${what}`)

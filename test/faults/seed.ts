import { type Random, random } from '../fuzz/random.ts'

/** Chance that can be told again: `FAULTS_SEED` gives the same run. */
export function chanceOf(what: string): Random {
  const seed = Number(process.env['FAULTS_SEED'] ?? 20261124)
  console.log(`${what}: seed ${seed}`)
  return random(seed)
}

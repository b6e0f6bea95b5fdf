import { checkAll, type Finding } from '../check.ts'
import { defineCommand } from '../registry.ts'

const SIGNS = { fine: '✓', warning: '!', problem: '✗' } as const

const check = defineCommand({
  name: ['check'],
  summary: 'Look whether everything is as it should be. Exit code 1: something to look at, 2: something is wrong.',
  needs: 'none',
  async run(setup) {
    const findings = await checkAll(setup)
    const exitCode = findings.some(({ level }) => level === 'problem') ? 2 : findings.some(({ level }) => level === 'warning') ? 1 : 0
    return { text: findings.map(describe).join('\n'), data: findings, exitCode }
  },
})

function describe({ level, sentence, action }: Finding): string {
  return `${SIGNS[level]} ${sentence}${action ? `\n  → ${action}` : ''}`
}

export const checkCommands = [check]

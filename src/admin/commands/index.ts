/** The list of commands, in the order in which help shows them. */
import type { Command } from '../registry.ts'
import { checkCommands } from './check.ts'
import { inviteCommands } from './invite.ts'
import { s2sCommands } from './s2s.ts'
import { serverCommands } from './server.ts'
import { userCommands } from './user.ts'

export const commands: readonly Command[] = [...serverCommands, ...userCommands, ...inviteCommands, ...s2sCommands, ...checkCommands]

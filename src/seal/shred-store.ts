import { type Disk, realDisk } from './shred/disk.ts'
import { openFileLevel } from './shred/file-level.ts'
import { MemoryShredStore } from './shred/memory-store.ts'
import { LeveledShredStore } from './shred/store.ts'

/** The secrets that make what was sealed with them unreadable, for everybody, once they are destroyed. */
export interface ShredStore {
  /** There was nothing where it was opened: all secrets that there may have been before are lost. */
  readonly isNew: boolean
  /** S[class, period]; undefined: none was made, or it is destroyed. A view that must not be kept: it becomes zeros. */
  period(cls: number, period: number): Buffer | undefined
  /** Makes it (durably, before it is used); gives the one that is there if there is one. Refuses a period whose time is over. */
  makePeriod(cls: number, period: number): Promise<Buffer>
  /** S_acct and B_acct. Views that must not be kept. */
  account(id: Buffer): { readonly archive: Buffer; readonly server: Buffer } | undefined
  /** Makes them, unless they are there. */
  makeAccount(id: Buffer): Promise<void>
  /** A new S_acct (and B_acct if `all`): what was sealed with the old one is dead. */
  replaceAccount(id: Buffer, all?: boolean): Promise<void>
  removeAccount(id: Buffer): Promise<void>
  /**
   * Destroys every secret whose time is over at `now` (ms); at 0 bytes free too. A clock more than 48 h ahead of the latest time that
   * was seen stops it until an operator confirms the clock.
   */
  expire(now: number): Promise<{ destroyed: readonly { readonly class: number; readonly period: number }[]; isHalted: boolean }>
  /** The operator says what time it is. */
  confirmClock(now: number): Promise<void>
  /** Ends what is under way, and overwrites all that is in memory. */
  close(): Promise<void>
}

/** A store in RAM, which can be handed over to the next process. */
export interface ShredMemory extends ShredStore {
  /** All that is in it, for `openShredMemory` of the process that takes it over. This one is closed then. */
  handOver(): Promise<Buffer>
}

/**
 * Level `file`: the secrets survive a restart. Beside `path` there are `path.key` and `path.lock`; none of the three may get into a
 * backup. Throws a SealError if another process uses the file, or it is damaged.
 */
export async function openShredFile(path: string, disk: Disk = realDisk): Promise<ShredStore> {
  const { level, blocks } = await openFileLevel(path, disk)
  return new LeveledShredStore(level, blocks)
}

/** Level `memory`: when the process ends all is lost that was not handed over. Wipes what is inherited. Throws a SealError. */
export function openShredMemory(inherited?: Buffer): ShredMemory {
  return inherited === undefined ? MemoryShredStore.empty() : MemoryShredStore.inherit(inherited)
}

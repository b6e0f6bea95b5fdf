/** Where the secrets of a store outlive the process, if they do. Only one call is under way at a time. */
export interface ShredLevel {
  /** There was nothing. */
  readonly isNew: boolean
  /** The latest time that was seen, in ms; 0 if none was. */
  readonly clock: number
  /** Makes these blocks durable, each wholly or not at all. If it fails they are as they were. */
  write(blocks: ReadonlyMap<number, Buffer>, isDestroying: boolean): Promise<void>
  /** Overwrites what earlier writes that destroyed something have left behind; tries again what failed before. */
  wipe(): Promise<void>
  /** Makes room for so many slots and gives the new blocks, all free; `from` is the number of the first. */
  grow(from: number, slots: number): Promise<Buffer[]>
  /** Remembers a time. */
  setClock(clock: number): Promise<void>
  /** Once a day, encrypts all anew under a fresh key: copies of what was destroyed before are dead then, wherever they lie. */
  rekey(blocks: readonly Buffer[], day: number): Promise<void>
  close(): Promise<void>
}

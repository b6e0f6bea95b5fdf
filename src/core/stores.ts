/** What is sealed, by its purpose: the number is part of every seal, so that nothing passes for something else. None is ever used again. */
export const ARCHIVE = 1
export const SPOOL = 2
export const PRIVATE_XML = 3
export const ARCHIVE_PREFERENCES = 4
export const CLIENT_NAMES = 5
export const HIBERNATING_STREAM = 6
export const ROW_SECRET = 7
export const PRIVATE_NODE = 8
export const PRIVATE_ITEM = 9
export const ROOM_LOG = 10

/**
 * Opens LevelDB, whose errors it puts into words. It knows nothing of what is stored.
 */
import type * as LevelPackage from 'level'
import type { Level } from 'level'
import { RegistryError, messageOf } from '../../core/model/errors.js'

/** What the values look like; a database with a greater number belongs to a newer program. */
export const schema = 1

export type Database = Level<string, Uint8Array>

/** @throws what LevelDB throws: `failureOf` tells the cases apart; RegistryError `unavailable` where there is none to be loaded */
export async function openDatabase(path: string, createIfMissing: boolean): Promise<Database> {
  const { Level } = await load()
  const database: Database = new Level(path, { keyEncoding: 'utf8', valueEncoding: 'view', createIfMissing })
  await database.open()
  return database
}

/** Not before somebody has a disk: it is a native library, which a program that was bundled into one file cannot bring along. */
async function load(): Promise<Pick<typeof LevelPackage, 'Level'>> {
  try {
    return await import('level')
  } catch (cause) {
    const wayOut =
      'in a bundled program leave the package `level` out of the bundle (external), or keep the node in memory'
    const [why] = messageOf(cause).split('\n')
    throw new RegistryError('unavailable', `LevelDB cannot be loaded (${why}); ${wayOut}`, { cause })
  }
}

/**
 * What a failed open or read means. `damaged`: what is on disk makes no sense, or a part of it is gone. `io`: it could not
 * be read this time (permissions, file handles, a dying disk), which says nothing about what it holds.
 */
export function failureOf(error: unknown): 'locked' | 'damaged' | 'io' {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown }).cause)
  if (code === 'LEVEL_LOCKED') return 'locked'
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_NOT_FOUND') return 'damaged'
  // LevelDB reads its tables by mmap and calls what lies behind the end of a cut one an invalid argument.
  return /No such file|Invalid argument/i.test(reasonOf(error)) ? 'damaged' : 'io'
}

/** What went wrong at the bottom: LevelDB's own words where they are wrapped. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && code.startsWith('LEVEL_') && code !== 'LEVEL_DATABASE_NOT_OPEN' ? code : undefined
}

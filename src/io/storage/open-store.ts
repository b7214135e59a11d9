/**
 * Opens the database of a data directory, whatever its state: a damaged one is moved aside for an empty one. It never repairs.
 *
 * The traps of LevelDB that this file stands against: a directory without CURRENT opens as an *empty* database, and the files
 * that are there are deleted; damage in the middle of a log drops records without a word; so what must be there is looked for
 * before opening, and everything is read once after it. LevelDB's own repair is not used: it brings back whatever parses,
 * removed records among them, where the peers hold the truth.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryError } from '../../core/model/errors.js'
import { readHolder, syncDirectory } from '../identity.js'
import { failureOf, openDatabase, reasonOf, schema, type Database } from './database.js'
import { LevelStorage } from './level.js'
import type { Beside } from './storage.js'
import { scan, type Scan } from './scan.js'

/** How many moved-aside databases are kept; older ones are deleted. */
const keptDamaged = 3

export interface StoreOptions {
  readonly directory: string
  /** A database has been here before. */
  readonly initialised: boolean
  readonly wall: () => number
  readonly writeBeside: (op: Beside) => Promise<void>
}

export interface OpenedStore {
  readonly storage: LevelStorage
  readonly lostStore?: string
}

/** @throws RegistryError `conflict` where another process holds it, `unavailable` where it cannot be read */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const path = join(options.directory, 'db')
  const found = await look(path)
  if (found === 'absent') {
    const storage = await beginStore(path, options)
    if (!options.initialised) return { storage }
    return { storage, lostStore: `the database ${path} was missing; this start begins with an empty one` }
  }
  const outcome = found === 'headless' ? 'its file CURRENT was missing' : await tryOpen(path, options)
  if (typeof outcome !== 'string') return { storage: outcome }
  const aside = await moveAside(path, options)
  const storage = await beginStore(path, options)
  return {
    storage,
    lostStore: `the database ${path} was damaged (${outcome}); it was moved to ${aside}, and this start begins with an empty one`,
  }
}

/** `headless`: files of a database that LevelDB would not recognise and delete. */
async function look(path: string): Promise<'absent' | 'headless' | 'whole'> {
  let names: string[]
  try {
    names = await readdir(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 'absent'
    throw unreadable(path, cause)
  }
  if (names.includes('CURRENT')) return 'whole'
  return names.some((name) => /\.(log|ldb|sst)$/.test(name)) ? 'headless' : 'absent'
}

/** @returns the store, or what is wrong with it */
async function tryOpen(path: string, options: StoreOptions): Promise<LevelStorage | string> {
  let database: Database | undefined
  try {
    database = await openDatabase(path, false)
    const opened = await scan(database)
    const fault = faultOf(opened, path)
    if (fault === undefined) return new LevelStorage(path, database, opened, options.writeBeside)
    const begun = !options.initialised && isEmpty(opened) // the very first start was cut short: nothing can be lost
    await database.close()
    return begun ? await beginStore(path, options) : fault
  } catch (cause) {
    await database?.close()
    if (cause instanceof RegistryError) throw cause
    if (failureOf(cause) === 'damaged') return reasonOf(cause)
    throw await whyNot(path, options, cause)
  }
}

/** The schema record is the first ever written: where it is gone, others are. */
function faultOf(opened: Scan, path: string): string | undefined {
  if (opened.schema === undefined) return isEmpty(opened) ? 'it was empty' : 'its first records were gone'
  if (opened.schema === String(schema)) return undefined
  throw new RegistryError(
    'unavailable',
    `the database ${path} has schema ${opened.schema.slice(0, 20)}, this program reads ${schema}: upgrade it, or choose another data directory`,
  )
}

function isEmpty(opened: Scan): boolean {
  return opened.documents.length === 0 && opened.notes.size === 0 && opened.damaged.length === 0
}

async function beginStore(path: string, options: StoreOptions): Promise<LevelStorage> {
  let database: Database | undefined
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    database = await openDatabase(path, true)
    const storage = new LevelStorage(path, database, await scan(database), options.writeBeside)
    await storage.initialise()
    return storage
  } catch (cause) {
    await database?.close()
    if (cause instanceof RegistryError) throw cause
    throw await whyNot(path, options, cause)
  }
}

async function moveAside(path: string, options: StoreOptions): Promise<string> {
  const names = new Set(await readdir(options.directory))
  const seconds = Math.trunc(options.wall() / 1000)
  let name = `db.damaged-${seconds}`
  for (let copy = 2; names.has(name); copy++) name = `db.damaged-${seconds}-${copy}`
  const aside = join(options.directory, name)
  try {
    await rename(path, aside)
    await syncDirectory(options.directory)
  } catch (cause) {
    throw unreadable(path, cause)
  }
  await dropOldest(options.directory)
  return aside
}

async function dropOldest(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^db\.damaged-\d+(-\d+)?$/.test(name))
  const byAge = names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  for (const name of byAge.slice(0, -keptDamaged)) await rm(join(directory, name), { recursive: true, force: true })
}

async function whyNot(path: string, options: StoreOptions, cause: unknown): Promise<RegistryError> {
  if (failureOf(cause) !== 'locked') return unreadable(path, cause)
  const pid = (await readHolder(options.directory))?.['pid']
  const others = typeof pid === 'number' ? `process ${pid}` : 'another process'
  const holder = pid === process.pid ? 'another node in this very process' : others
  return new RegistryError(
    'conflict',
    `data directory ${options.directory}: ${holder} holds it; stop that one first, or choose another data directory`,
    { cause },
  )
}

function unreadable(path: string, cause: unknown): RegistryError {
  const reason = reasonOf(cause)
  // LevelDB tidies up as it opens, and has no codes, only the words of the system.
  const wayOut = /no space left|quota exceeded|ENOSPC|EDQUOT/i.test(reason)
    ? 'its disk is full, and opening it takes some room: make room there and start again; nothing is lost by that'
    : 'make it readable and writable for this user, check its disk, or choose another data directory'
  return new RegistryError('unavailable', `database ${path}: cannot be opened: ${reason}; ${wayOut}`, {
    cause,
  })
}

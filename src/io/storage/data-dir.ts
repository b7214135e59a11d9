/**
 * The data directory as a whole: who we are, what we hold, what was lost of it. It never reads a document.
 *
 *     key generation initialised cluster last-up written addresses.json check-secrets.json holder.json   see identity.ts
 *     db/                                                                       see level.ts
 *     db.damaged-<unix seconds>/                                                databases that made no sense, for a person to look at
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { RegistryError, messageOf } from '../../core/model/errors.js'
import { fileNames, GenerationFile, loadKey, parseCount, SmallFile, type LoadedKey } from '../identity.js'
import { readCheckSecrets } from './check-secrets.js'
import type { LevelStorage } from './level.js'
import { openStore, type OpenedStore } from './open-store.js'
import type { Beside, Storage } from './storage.js'

export interface DataDir {
  readonly path: string
  readonly storage: Storage
  /** Ed25519. */
  readonly key: PrivateKey
  /** The key was made in this very start. */
  readonly freshKey: boolean
  /** The one on disk now; 0 if none. */
  readonly generation: number
  /** Resolves when it survives a power cut. A lower one changes nothing. */
  raiseGeneration(generation: number): Promise<void>
  /** A sentence that says what became of the database, set when it had been there and this start has to begin without it. */
  readonly lostStore?: string
  /** A sentence that says what the database has lost of the own document, though it can be read and was not begun anew. */
  readonly lostWrites?: string
  /** Unix milliseconds of the last `noteUp` before this start. */
  readonly lastUp?: number
  /** What the last `secrets` op before this start said. */
  readonly secrets?: string
  /** Sentences for the log: what this start found and mended. */
  readonly warnings: readonly string[]
  noteUp(wall: number): Promise<void>
  readAddressBook(): Promise<string | undefined>
  writeAddressBook(json: string): Promise<void>
  /** Adds to what others can read of the daemon that holds this directory: at first its pid and start time. */
  describeHolder(fields: Readonly<Record<string, unknown>>): Promise<void>
  /** Waits for running writes and gives the directory free; idempotent. */
  close(): Promise<void>
}

export interface DataDirOptions {
  /** Unix milliseconds; names what is moved aside. */
  readonly wall?: () => number
  /** The cluster whose records these are, from the first start on; without it any cluster's. */
  readonly cluster?: string
}

/**
 * Opens a data directory, making it where it is missing.
 * @throws RegistryError `conflict` where another daemon holds it, `unavailable` where it cannot be used; both name the way out
 */
export async function openDataDir(path: string, options: DataDirOptions = {}): Promise<DataDir> {
  const wall = options.wall ?? Date.now
  await makeDirectory(path)
  const marker = new SmallFile(join(path, fileNames.marker))
  const initialised = (await marker.read()) !== undefined
  // Opening the database takes the lock of the directory: only its holder may touch the other files.
  const late: { generation?: GenerationFile } = {}
  const checkSecrets = new SmallFile(join(path, fileNames.checkSecrets))
  const writeBeside = async (op: Beside) =>
    op.type === 'secrets' ? checkSecrets.replace(op.text) : late.generation?.raise(op.generation)
  const store = await openStore({ directory: path, initialised, wall, writeBeside })
  try {
    if (options.cluster !== undefined) await keepToCluster(path, options.cluster)
    const loaded = await loadKey(path)
    const { generation, warning } = await GenerationFile.open(path)
    late.generation = generation
    const lastUp = await readLastUp(path)
    const secrets = await readCheckSecrets(checkSecrets.path, wall)
    if (!initialised) await marker.replace('This directory has held a database; if it is missing, it was lost.\n')
    const lostKey =
      initialised && loaded.fresh
        ? `key file ${join(path, fileNames.key)}: was missing; this is a new node now`
        : undefined
    const lostWrites = await findLostWrites(path, store, loaded.key)
    const warnings = [loaded.warning, lostKey, warning, secrets.warning].filter((text) => text !== undefined)
    const opened = new OpenDataDir({
      path,
      ...store,
      ...lostWrites,
      loaded,
      generation,
      lastUp,
      secrets: secrets.text,
      warnings,
    })
    await opened.describeHolder({ pid: process.pid, startedAt: new Date(wall()).toISOString() })
    return opened
  } catch (error) {
    await store.storage.close()
    throw error
  }
}

/** It was counted how much was written; a store that is begun anew goes on with that number. */
async function findLostWrites(
  path: string,
  { storage, lostStore }: OpenedStore,
  key: PrivateKey,
): Promise<{ readonly lostWrites?: string }> {
  const written = parseCount((await new SmallFile(join(path, fileNames.written)).readText()) ?? '') ?? 0
  const loss = await storage.keepReckoning(peerIdFromPrivateKey(key).toString(), written)
  return loss === undefined || lostStore !== undefined
    ? {}
    : { lostWrites: `the database ${join(path, 'db')} has lost something that it had acknowledged: ${loss}.` }
}

interface Parts {
  readonly path: string
  readonly storage: LevelStorage
  readonly lostStore?: string
  readonly lostWrites?: string
  readonly loaded: LoadedKey
  readonly generation: GenerationFile
  readonly lastUp: number | undefined
  readonly secrets: string | undefined
  readonly warnings: readonly string[]
}

class OpenDataDir implements DataDir {
  readonly path: string
  readonly storage: LevelStorage
  readonly key: PrivateKey
  readonly freshKey: boolean
  readonly lostStore?: string
  readonly lostWrites?: string
  readonly lastUp?: number
  readonly secrets?: string
  readonly warnings: readonly string[]
  readonly #generation: GenerationFile
  readonly #lastUp: SmallFile
  readonly #written: SmallFile
  readonly #addresses: SmallFile
  readonly #holder: SmallFile
  #holderFields: Readonly<Record<string, unknown>> = {}
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.path = parts.path
    this.storage = parts.storage
    this.key = parts.loaded.key
    this.freshKey = parts.loaded.fresh
    this.warnings = parts.warnings
    if (parts.lostStore !== undefined) this.lostStore = parts.lostStore
    if (parts.lostWrites !== undefined) this.lostWrites = parts.lostWrites
    if (parts.lastUp !== undefined) this.lastUp = parts.lastUp
    if (parts.secrets !== undefined) this.secrets = parts.secrets
    this.#generation = parts.generation
    this.#lastUp = new SmallFile(join(parts.path, fileNames.lastUp))
    this.#written = new SmallFile(join(parts.path, fileNames.written))
    this.#addresses = new SmallFile(join(parts.path, fileNames.addresses))
    this.#holder = new SmallFile(join(parts.path, fileNames.holder))
  }

  get generation(): number {
    return this.#generation.stored
  }

  async raiseGeneration(generation: number): Promise<void> {
    this.#refuseClosed()
    await this.#generation.raise(generation)
  }

  async noteUp(wall: number): Promise<void> {
    this.#refuseClosed()
    await this.#lastUp.replace(`${Math.trunc(wall)}\n`)
    await this.#noteWritten()
  }

  async #noteWritten(): Promise<void> {
    await this.#written.replace(`${await this.storage.written()}\n`)
  }

  async readAddressBook(): Promise<string | undefined> {
    return this.#addresses.readText()
  }

  async writeAddressBook(json: string): Promise<void> {
    this.#refuseClosed()
    await this.#addresses.replace(json)
  }

  async describeHolder(fields: Readonly<Record<string, unknown>>): Promise<void> {
    this.#refuseClosed()
    this.#holderFields = { ...this.#holderFields, ...fields }
    await this.#holder.replace(`${JSON.stringify(this.#holderFields)}\n`)
  }

  close(): Promise<void> {
    this.#closing ??= this.#giveFree()
    return this.#closing
  }

  /** The lock goes last: whatever is written after it could be another daemon's. */
  async #giveFree(): Promise<void> {
    const files = [this.#generation, this.#lastUp, this.#addresses]
    try {
      await this.#noteWritten().catch(() => undefined) // an earlier number is as true
      await Promise.all(files.map((file) => file.settled()))
      await this.#holder.remove()
    } finally {
      await this.storage.close()
    }
  }

  #refuseClosed(): void {
    if (this.#closing === undefined) return
    throw new RegistryError('unavailable', `data directory ${this.path}: closed; this daemon is stopping`)
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await makeAll(path)
    await readdir(path)
  } catch (cause) {
    const reason = messageOf(cause)
    throw new RegistryError(
      'unavailable',
      `data directory ${path}: cannot be made or read (${reason}); make it writable for this user, or choose another (--data-dir)`,
      { cause },
    )
  }
}

/** Node's own recursive form never returns where a parent exists that takes no children, such as `/proc`. */
async function makeAll(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    await makeAll(dirname(path))
    await mkdir(path, { mode: 0o700 })
  }
}

/** What one cluster has written must not be told to another. */
async function keepToCluster(path: string, cluster: string): Promise<void> {
  const file = new SmallFile(join(path, fileNames.cluster))
  const known = (await file.readText())?.trimEnd()
  if (known === cluster) return
  if (known === undefined || known === '') return file.replace(`${cluster}\n`)
  throw new RegistryError(
    'conflict',
    `data directory ${path}: holds the records of cluster ${JSON.stringify(known)}, not of ${JSON.stringify(cluster)}; choose another directory, or go on as a member of ${known}`,
  )
}

async function readLastUp(path: string): Promise<number | undefined> {
  const text = await new SmallFile(join(path, fileNames.lastUp)).readText()
  return text === undefined ? undefined : parseCount(text)
}

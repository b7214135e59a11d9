/**
 * The small files beside the database that say who this daemon is, or what it must not forget: key, generation, marker, the
 * note of when it was last up, how much was written, name of the cluster, address book, what checks say to prove who asks, holder. It never holds documents, and never overwrites a file
 * in place.
 *
 * Every write goes to a temporary file, is fsynced and renamed, and the directory is fsynced: after a power cut a file is the
 * old one or the new one. All are readable by their owner alone.
 */
import { chmod, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { isWhole } from './crypto.js'

export const fileNames = {
  key: 'key',
  generation: 'generation',
  /** Present from the moment on when the database may hold something: a database missing beside it is a lost one. */
  marker: 'initialised',
  lastUp: 'last-up',
  /** How many writes of the own document the database has acknowledged, at least. */
  written: 'written',
  cluster: 'cluster',
  addresses: 'addresses.json',
  /** What health checks say to prove who asks. */
  checkSecrets: 'check-secrets.json',
  holder: 'holder.json',
} as const

/** One small file, replaced as a whole; replacements happen in the order in which they were asked for. */
export class SmallFile {
  readonly path: string
  #tail: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.path = path
  }

  /** @returns undefined where there is none */
  async read(): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.path)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw fileError(this.path, 'cannot be read', cause)
    }
  }

  async readText(): Promise<string | undefined> {
    const bytes = await this.read()
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
  }

  /** Resolves when the new content survives a power cut. */
  async replace(content: Uint8Array | string): Promise<void> {
    const replaced = this.#tail.then(() => replaceFile(this.path, content))
    this.#tail = replaced.catch(() => undefined)
    try {
      await replaced
    } catch (cause) {
      throw fileError(this.path, 'cannot be written', cause)
    }
  }

  async remove(): Promise<void> {
    await this.#tail
    await unlink(this.path).catch(ignoreMissing)
  }

  /** Waits for what was asked for so far. */
  async settled(): Promise<void> {
    await this.#tail
  }
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.tmp`
  await unlink(temporary).catch(ignoreMissing) // left by a power cut, perhaps with a mode that is not ours
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** Makes renames within a directory durable. Windows can neither open a directory nor needs it. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

export interface LoadedKey {
  readonly key: Ed25519PrivateKey
  /** Made in this very start. */
  readonly fresh: boolean
  readonly warning?: string
}

/**
 * The key of this daemon; made where there is none.
 * @throws RegistryError `unavailable` for a damaged key: a new one would be another daemon, so only a person may decide that
 */
export async function loadKey(directory: string): Promise<LoadedKey> {
  const file = new SmallFile(join(directory, fileNames.key))
  const bytes = await file.read()
  if (bytes === undefined) {
    const key = await generateKeyPair('Ed25519')
    await file.replace(privateKeyToProtobuf(key))
    return { key, fresh: true }
  }
  const key = parseKeyFile(bytes)
  if (key === undefined) {
    throw new RegistryError(
      'unavailable',
      `key file ${file.path}: damaged (${bytes.length} bytes that are no Ed25519 key); restore it from a backup, or remove it to go on as a new node`,
    )
  }
  const warning = await closeToOthers(file.path)
  return warning === undefined ? { key, fresh: false } : { key, fresh: false, warning }
}

function parseKeyFile(bytes: Uint8Array): Ed25519PrivateKey | undefined {
  try {
    const key = privateKeyFromProtobuf(bytes)
    if (key.type !== 'Ed25519') return undefined
    return isWhole(key) ? key : undefined // a flipped bit still parses
  } catch {
    return undefined
  }
}

/**
 * A key that others could read is taken back from them, and the operator is told. There are file systems that keep no modes, and volumes
 * whose files are not ours: who runs on one is told each time.
 */
async function closeToOthers(path: string): Promise<string | undefined> {
  const isOpen = (mode: number): boolean => process.platform !== 'win32' && (mode & 0o077) !== 0
  const { mode } = await stat(path)
  if (!isOpen(mode)) return undefined
  const refused = await chmod(path, 0o600).then(
    () => '',
    ({ code, message }: NodeJS.ErrnoException) => ` (${code ?? message})`,
  )
  const isStillOpen = isOpen((await stat(path)).mode)
  const now = isStillOpen ? `, which cannot be changed here${refused}` : '; its mode is 600 now'
  const was = (mode & 0o777).toString(8)
  return `key file ${path}: others could read it (mode ${was})${now}; if anyone may have copied it, remove it to go on as a new node`
}

/** The number that every start raises; on disk before anybody hears of it. */
export class GenerationFile {
  readonly #file: SmallFile
  #stored: number
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(file: SmallFile, stored: number) {
    this.#file = file
    this.#stored = stored
  }

  static async open(directory: string): Promise<{ generation: GenerationFile; warning?: string }> {
    const file = new SmallFile(join(directory, fileNames.generation))
    const text = await file.readText()
    const stored = text === undefined ? 0 : parseCount(text)
    if (stored !== undefined) return { generation: new GenerationFile(file, stored) }
    const warning = `generation file ${file.path}: damaged, taken as 0; the next generation then follows the clock alone`
    return { generation: new GenerationFile(file, 0), warning }
  }

  /** The one on disk; 0 where there is none. */
  get stored(): number {
    return this.#stored
  }

  /** Resolves when `generation`, or a higher one, is on disk. */
  async raise(generation: number): Promise<void> {
    const raised = this.#tail.then(async () => {
      if (generation <= this.#stored) return
      await this.#file.replace(`${generation}\n`)
      this.#stored = generation
    })
    this.#tail = raised.catch(() => undefined)
    await raised
  }

  async settled(): Promise<void> {
    await this.#tail
  }
}

/** Reads a whole number as it stands in one of these files; undefined where it is none. */
export function parseCount(text: string): number | undefined {
  const value = /^\d{1,16}\n?$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** What the daemon that holds this directory says of itself; undefined where none does. */
export async function readHolder(directory: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, fileNames.holder), 'utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined // for display only, so a damaged one counts as none
  }
}

function fileError(path: string, what: string, cause: unknown): RegistryError {
  const reason = messageOf(cause)
  const wayOut = 'make the data directory readable and writable for this user, and check its disk for space'
  return new RegistryError('unavailable', `${path}: ${what}: ${reason}; ${wayOut}`, { cause })
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/**
 * Reads the files that options name: ordinary ones alone. A daemon that waits for the other end of a pipe serves nobody meanwhile.
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs'
import { RegistryError } from '../core/model/errors.js'
import { readAtMost } from './bounded.js'

/** What an option names is written by people, or by a program for one daemon. */
const most_bytes = 16 * 1024 * 1024

export interface OptionFile {
  readonly content: Buffer<ArrayBuffer>
  /** The permissions, as of `chmod`. */
  readonly mode: number
  /** The user whose file it is. */
  readonly owner: number
}

/**
 * @param wayOut for where it cannot be read
 * @throws RegistryError `malformed`, naming the file
 */
export function readOptionFile(path: string, wayOut?: string): OptionFile {
  try {
    return read(path)
  } catch (cause) {
    const way = wayOut === undefined ? '' : `; ${wayOut}`
    throw new RegistryError('malformed', `cannot read ${path} (${whyOf(cause)})${way}`, { cause })
  }
}

function read(path: string): OptionFile {
  // Without O_NONBLOCK opening a pipe waits for whoever writes into it; Windows has neither.
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0))
  try {
    const stats = fstatSync(fd)
    const kind = kindOf(stats)
    if (kind !== undefined) throw new Error(`${kind}, not a file`)
    return { content: readAtMost(fd, most_bytes), mode: stats.mode & 0o777, owner: stats.uid }
  } finally {
    closeSync(fd)
  }
}

/** What it is instead of a file. */
function kindOf(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a pipe'
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'something else'
}

function whyOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'EISDIR') return 'a directory, not a file' // Windows opens none
  if (code === 'ENXIO') return 'a socket, not a file'
  return code ?? message
}

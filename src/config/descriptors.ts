/**
 * How many files this process may have open: too few to start with is said; of connections each kind has a part, so that enough is left
 * for all else.
 *
 *     a quarter each   connections kept to instances · checks under way · callers of the HTTP API · peers, files, names
 */
import { readFileSync } from 'node:fs'

const assumed = 1024
const share = 1 / 4
/** On Node 20 a daemon begins with as many as it has modules: about 200 at once. */
const needed = 256
/** What most systems give to whoever does not say otherwise. */
const usual = 1024

let known: number | undefined

/** Looked for once: where no file can be opened any more, it could not be read. */
export function descriptorLimit(): number {
  known ??= readLimit()
  return known
}

export function quarterOfDescriptors(): number {
  return Math.floor(descriptorLimit() * share)
}

/** What Node says of it where a module cannot be read. */
const signs: ReadonlySet<unknown> = new Set(['EMFILE', 'ERR_MODULE_NOT_FOUND'])

/** @returns what is wrong, with the way out, where it is that too few files may be open to start at all */
export function describeTooFewFiles(error: unknown, limit = descriptorLimit()): string | undefined {
  if (limit >= needed || !signs.has((error as { readonly code?: unknown }).code)) return undefined
  return `this process may have ${limit} files open, and needs ${needed} to start; allow ${usual}: ulimit -n ${usual} before it, or LimitNOFILE=${usual} in its systemd unit`
}

function readLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft === 'unlimited') return Number.MAX_SAFE_INTEGER
    return soft === undefined ? assumed : Number(soft)
  } catch {
    return assumed
  }
}

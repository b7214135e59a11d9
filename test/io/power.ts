// Cuts the power of a data directory, without a virtual machine: the directory as a disk might hold it after the lights went out.
//
// What a power cut may leave of a LevelDB directory:
//  - files are as they were at one instant, also in the middle of a write;
//  - of a log, everything that was fsynced, and behind that any number of bytes, the last of which may be garbage;
//  - tables, MANIFEST and CURRENT whole, since LevelDB fsyncs them before it relies on them.
//
// Whether LevelDB was asked to fsync at all cannot be seen from the outside: storage-damage.test.ts watches that it is.
//
// `acknowledge` is called after each acknowledged synced write, while no other write runs: the newest log is then on disk up to
// its present size (an older one up to what was noted while it was the newest). `cut` copies the directory, and tears every log
// at a random byte behind that mark. It never looks at what the storage says that it has written.
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { basename, join } from 'node:path'

/** A number in [0, 1). */
export type Random = () => number

/** Small, good enough, and the same everywhere (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export class PowerCord {
  readonly #directory: string
  readonly #random: Random
  /** Bytes of each log that are known to be on the platter. */
  readonly #synced = new Map<string, number>()

  constructor(directory: string, random: Random) {
    this.#directory = directory
    this.#random = random
  }

  acknowledge(): void {
    const newest = logsOf(join(this.#directory, 'db')).at(-1)
    if (newest !== undefined) this.#synced.set(newest, statSync(join(this.#directory, 'db', newest)).size)
  }

  /**
   * Leaves in `into` what the disk holds now. Synchronous, so that no write begins meanwhile; those that run go on in
   * LevelDB's threads.
   * @returns what was done, for the message of a failed assertion
   */
  cut(into: string): string {
    mkdirSync(join(into, 'db'), { recursive: true })
    for (const entry of readdirSync(this.#directory, { withFileTypes: true })) {
      if (entry.isFile()) copyFileSync(join(this.#directory, entry.name), join(into, entry.name))
    }
    copyDatabase(join(this.#directory, 'db'), join(into, 'db'))
    return logsOf(join(into, 'db'))
      .map((name) => this.#tear(join(into, 'db', name), this.#synced.get(name) ?? 0))
      .join(', ')
  }

  #tear(log: string, synced: number): string {
    const { size } = statSync(log)
    const kept = Math.min(size, synced + Math.floor(this.#random() * (size - synced + 1)))
    truncateSync(log, kept)
    const tail = this.#tail()
    appendFileSync(log, tail)
    return `${basename(log)}: ${synced} synced, ${kept} of ${size} kept, ${tail.length} of garbage`
  }

  /** What stands in blocks that belong to the file already, but were never written: mostly nothing, zeros, or old bytes. */
  #tail(): Uint8Array {
    const kind = this.#random()
    if (kind < 0.6) return new Uint8Array(0)
    const length = 1 + Math.floor(this.#random() * 5000)
    return Uint8Array.from({ length }, () => (kind < 0.8 ? 0 : this.#random() * 256))
  }
}

/** LevelDB may change its set of files under our hands: what was copied is then no instant, and we copy again. */
function copyDatabase(from: string, to: string): void {
  for (;;) {
    const before = shapeOf(from)
    rmSync(to, { recursive: true })
    mkdirSync(to)
    if (copyAll(from, to) && shapeOf(from) === before) return
  }
}

/** What changes when LevelDB begins to rely on other files: their names, and what MANIFEST and CURRENT say. */
function shapeOf(directory: string): string {
  const names = readdirSync(directory).sort()
  const manifests = names.filter((name) => name.startsWith('MANIFEST'))
  const sizes = manifests.map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size)
  return JSON.stringify([names, sizes, readFileSync(join(directory, 'CURRENT'), 'utf8')])
}

/** @returns false where a file has gone meanwhile */
function copyAll(from: string, to: string): boolean {
  for (const name of readdirSync(from)) {
    try {
      copyFileSync(join(from, name), join(to, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return false
    }
  }
  return true
}

/** Oldest first. */
function logsOf(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /^\d+\.log$/.test(name))
    .sort()
}

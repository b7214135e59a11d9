/**
 * What a node remembers of acts on the register: the last ones, within bounds, since its start. It writes nothing, and asks no clock.
 *
 * What callers did, what they were refused, what this node found, what it saw of others stand on a shelf each: an instance that is now
 * well, now ill, pushes out nobody's name, nor do those who may do nothing, nor a large node that dies. Of one id so many are kept, so
 * that one that is written again and again pushes out no other; what is refused counts for whom it came from, since whoever is refused
 * chooses the id. What repeats the last one of its kind without changing anything is counted there.
 */
import { sourceOf } from '../model/host.js'
import { type ActName, cutEntry, type Entry } from './entry.js'

export const journalLimits = {
  /** Of one id, on each shelf. */
  each: 20,
  /** On each shelf. */
  entries: 5000,
  bytes: 1024 * 1024,
  /** In one answer. */
  answer: 1000,
} as const

export interface JournalQuery {
  /** Of an instance, definition, session; or the label of a node. */
  readonly id?: string | undefined
  readonly slug?: string | undefined
  readonly act?: ActName | undefined
  readonly by?: string | undefined
  /** RFC 3339 in UTC: nothing before. */
  readonly since?: string | undefined
  readonly limit: number
}

export interface Remembered {
  /** RFC 3339: nothing that callers did since is missing, but what is counted in `times`. */
  readonly from: string
  /** Newest first. */
  readonly entries: readonly Entry[]
}

type Limits = Readonly<Record<'each' | 'entries' | 'bytes', number>>

type ShelfName = 'done' | 'refused' | 'found' | 'seen'

export class Journal {
  readonly #shelves: Readonly<Record<ShelfName, Shelf>>
  #seq = 0

  /** @param from RFC 3339: nothing before is known */
  constructor(from: string, limits: Limits = journalLimits) {
    const shelf = (): Shelf => new Shelf(from, limits)
    this.#shelves = { done: shelf(), refused: shelf(), found: shelf(), seen: shelf() }
  }

  add(entry: Omit<Entry, 'seq' | 'times'>): Entry {
    this.#seq += 1
    return this.#shelves[shelfOf(entry)].add({ ...cutEntry(entry), seq: this.#seq })
  }

  ask({ limit, ...wanted }: JournalQuery): Remembered {
    const found = Object.values(this.#shelves).flatMap((shelf) =>
      [...shelf.entries()].filter((entry) => fits(entry, wanted)),
    )
    const entries = found.sort((a, b) => b.seq - a.seq).slice(0, limit)
    return { from: this.#shelves.done.from(wanted.id), entries }
  }
}

function shelfOf({ via, outcome }: Pick<Entry, 'via' | 'outcome'>): ShelfName {
  if (outcome === 'refused') return 'refused'
  if (via === 'seen') return 'seen'
  return via === 'daemon' ? 'found' : 'done'
}

function fits(entry: Entry, { id, slug, act, by, since }: Omit<JournalQuery, 'limit'>): boolean {
  return (
    (id === undefined || (entry.id ?? entry.node) === id) &&
    (slug === undefined || entry.slug === slug) &&
    (act === undefined || entry.act === act) &&
    (by === undefined || entry.by === by) &&
    (since === undefined || entry.at >= since)
  )
}

/** Oldest first, of each group in order. */
class Shelf {
  readonly #limits: Limits
  readonly #entries = new Map<number, Entry>()
  readonly #groups = new Map<string, number[]>()
  /** Of a group that has lost some: when the last of them was. */
  readonly #lostOf = new Map<string, string>()
  #from: string
  #bytes = 0

  constructor(from: string, limits: Limits) {
    this.#from = from
    this.#limits = limits
  }

  add(entry: Entry): Entry {
    const name = groupOf(entry)
    const group = this.#groups.get(name) ?? []
    this.#groups.set(name, group)
    const last = this.#entries.get(group.at(-1) ?? -1)
    const isRepeated = last !== undefined && isSame(last, entry)
    const kept = isRepeated ? { ...entry, times: (last.times ?? 1) + 1 } : entry
    if (isRepeated) this.#take(group.pop())
    group.push(kept.seq)
    this.#entries.set(kept.seq, kept)
    this.#bytes += bytesOf(kept)
    if (group.length > this.#limits.each) this.#lose(name)
    while (this.#entries.size > this.#limits.entries || this.#bytes > this.#limits.bytes) this.#loseOldest()
    return kept
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  /** Since when it knows all that was done, or all that was done to that id. */
  from(id: string | undefined): string {
    const lost = id === undefined ? undefined : this.#lostOf.get(nameOfId(id))
    return lost === undefined || lost < this.#from ? this.#from : lost
  }

  #loseOldest(): void {
    const [oldest] = this.#entries.values()
    if (oldest === undefined) return
    if (oldest.at > this.#from) this.#from = oldest.at
    const name = groupOf(oldest)
    const group = this.#groups.get(name) ?? []
    this.#take(oldest.seq)
    group.splice(group.indexOf(oldest.seq), 1)
    if (group.length > 0) return
    this.#groups.delete(name)
    this.#lostOf.delete(name)
  }

  /** Of a group that has more than one. */
  #lose(name: string): void {
    const oldest = this.#take(this.#groups.get(name)?.shift())
    if (oldest !== undefined) this.#lostOf.set(name, oldest.at)
  }

  #take(seq = -1): Entry | undefined {
    const entry = this.#entries.get(seq)
    if (entry !== undefined) this.#bytes -= bytesOf(entry)
    this.#entries.delete(seq)
    return entry
  }
}

function groupOf({ id, node, act, outcome, address }: Entry): string {
  if (outcome === 'refused') return `refused ${sourceOf(address ?? '')}`
  return nameOfId(id ?? node ?? act)
}

function nameOfId(id: string): string {
  return `of ${id}`
}

/** Whether nothing but the moment tells them apart, where nothing was done. */
function isSame(a: Entry, b: Entry): boolean {
  const fields = ['act', 'id', 'slug', 'node', 'by', 'address', 'via', 'outcome', 'details'] as const
  return b.outcome !== 'done' && fields.every((field) => a[field] === b[field])
}

/** About: two bytes a letter, and what an object takes. */
function bytesOf(entry: Entry): number {
  return Object.values(entry).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? 2 * value.length : 8),
    200,
  )
}

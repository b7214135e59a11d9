/**
 * What is done to the register, as it passes through this node: each act of a caller becomes one entry of the journal with one line of
 * the log (of many refusals, with some), what the daemon does or finds by itself an entry beside the line that it has. It decides nothing.
 */
import { count } from '../core/words/count.js'
import type { RegistryEvent } from '../core/effects.js'
import { messageOf, RegistryError } from '../core/model/errors.js'
import { type Deed, type Entry, outcomeOf, type Whom } from '../core/journal/entry.js'
import { Journal } from '../core/journal/journal.js'
import { canonicalJson, type PeerId } from '../core/model/model.js'
import type { Reads } from '../core/reads.js'
import { RefusalLines } from '../core/journal/refusal-lines.js'
import { isUnheardOf } from './unheard-lines.js'
import { Tally } from '../core/basics/tally.js'
import type { Line } from './log-lines.js'

/** Who writes by a call without a door: the program that the node is a part of. */
const program: Whom = { via: 'library', by: 'library' }

export interface RecorderParts {
  readonly read: Pick<Reads, 'record' | 'nodeId'>
  readonly self: PeerId
  /** Unix milliseconds. */
  readonly wall: () => number
  /** Milliseconds on a clock that never steps. */
  readonly now: () => number
  readonly write: (line: Line) => void
}

/** How an act is told. */
export interface Told<T> {
  /** What it changes, as far as that can be compared: the same before as after, it has changed nothing. */
  readonly fact?: () => unknown
  /** What is known of it once it is done. */
  readonly done?: (result: T) => Partial<Deed>
  /** Said again it is a sign of life, and not told. */
  readonly isSign?: true
}

export class Recorder {
  readonly #parts: RecorderParts
  /** What is seen before is what was there before. */
  #isReady = false
  /** Of which instances something is being done for a caller here: what is seen of them meanwhile comes of that, which is told. */
  readonly #underWay = new Tally<string>()
  /** So many acts that are about no instance alone: what of our own is seen meanwhile comes of these. */
  #underWayHere = 0
  /** Own ones that have just ended by themselves, which is told: that they are seen no more comes of that, before `handled`. */
  readonly #ended = new Set<string>()
  readonly #lines = new RefusalLines()

  /** What is remembered. */
  readonly journal: Journal

  /** @param from RFC 3339: nothing before is known */
  constructor(from: string, parts: RecorderParts) {
    this.journal = new Journal(from)
    this.#parts = parts
  }

  /** Does it, then tells of it, once, however it ends. */
  async tell<T>(
    deed: Deed,
    whom: Whom | undefined,
    act: () => Promise<T>,
    { fact, done, isSign }: Told<T> = {},
  ): Promise<T> {
    const before = textOf(fact?.())
    const at = this.#now()
    const begin = (n: 1 | -1): void => {
      if (deed.id === undefined) this.#underWayHere += n
      else this.#underWay.add(deed.id, n)
    }
    begin(1)
    try {
      const result = await act()
      const isUnchanged = before !== undefined && before === textOf(fact?.())
      if (!isUnchanged || isSign === undefined)
        this.#note({ ...deed, ...done?.(result) }, whom, isUnchanged ? 'unchanged' : 'done', at)
      return result
    } catch (error) {
      this.refused(deed, error, whom, at)
      throw error
    } finally {
      begin(-1)
    }
  }

  /** An act that was refused, before it was begun if nothing says when that was. */
  refused(deed: Deed, error: unknown, whom: Whom | undefined, at = this.#now()): void {
    const outcome = outcomeOf(error instanceof RegistryError ? error.code : codeOf(error))
    this.#note({ ...deed, details: messageOf(error) }, whom, outcome, at)
  }

  /** @param at what is found of it meanwhile comes after it */
  #note(deed: Deed, whom: Whom = program, outcome: Entry['outcome'], at: string): void {
    const entry = this.#add({ ...deed, ...whom, outcome }, at)
    const line = this.#lines.lineOf(entry, this.#parts.now())
    // What a caller may not do is its own affair; what this node cannot do is that of whoever looks after it.
    if (line !== undefined) this.#parts.write({ level: outcome === 'failed' ? 'warn' : 'info', ...line })
  }

  #add(entry: Omit<Entry, 'seq' | 'at' | 'times'>, at = this.#now()): Entry {
    return this.journal.add({ ...entry, at })
  }

  #now(): string {
    return new Date(this.#parts.wall()).toISOString()
  }

  /** Takes in what the registry told. @returns what its line says beside, where it is remembered as something done here */
  heard(event: RegistryEvent): Pick<Entry, 'act' | 'via' | 'outcome'> | undefined {
    if (event.type === 'ready') this.#isReady = true
    const deed = this.#deedOf(event)
    if (deed === undefined) return undefined
    const { act, via, outcome } = this.#add({ via: 'daemon', outcome: 'done', ...deed })
    return via === 'daemon' ? { act, via, outcome } : undefined
  }

  /** Called once all is told that one input has led to: whoever ended unseen, in maintenance, is not hidden any more by that. */
  handled(): void {
    this.#ended.clear()
  }

  #deedOf(event: RegistryEvent): (Deed & Partial<Entry>) | undefined {
    switch (event.type) {
      case 'member': {
        const { peer, from, to, why } = event
        // There is no end to those whom somebody makes up: they would push out all that has happened.
        if (isUnheardOf(event)) return undefined
        return { act: `member ${to}`, node: this.#parts.read.nodeId(peer) ?? peer, details: `was ${from}: ${why}` }
      }
      case 'instance-status':
        return this.#found(event)
      case 'instance-ended': {
        const { id, slug, why } = event
        this.#ended.add(id)
        return { act: 'removed', id, ...(slug !== undefined && { slug }), details: why }
      }
      case 'instance-moved': {
        const { id, slug, from, to } = event
        if (from !== this.#parts.self) return undefined // here it was registered, which is told
        const where = `to ${this.#parts.read.nodeId(to) ?? to}`
        return { act: 'moved away', id, ...(slug !== undefined && { slug }), details: where }
      }
      case 'session': {
        const { id, change, instances } = event
        if (change === 'ended') return undefined // its program said so, which is told
        return { act: `session ${change}`, id, details: count(instances, 'instance') }
      }
      case 'instance': {
        const { id, owner, slug, change } = event
        const isOwn = owner === this.#parts.self
        const isTold = isOwn && (this.#ended.delete(id) || this.#underWayHere > 0)
        if (change === 'changed' || !this.#isReady || isTold || this.#underWay.of(id) > 0) return undefined
        // Of an own one somebody has asked another node, which remembers that.
        const seen = this.#elsewhere(owner) ?? { via: 'seen' }
        return { act: change, id, ...(slug !== undefined && { slug }), ...seen }
      }
      default:
        return undefined
    }
  }

  #found({ id, owner, slug, to }: RegistryEvent & { type: 'instance-status' }): (Deed & Partial<Entry>) | undefined {
    const { details } = this.#parts.read.record(id) ?? {}
    const what = details === undefined ? to : `${to}: ${details}`
    const seen = this.#elsewhere(owner)
    if (seen !== undefined && !this.#isReady) return undefined
    return { act: 'found', id, ...(slug !== undefined && { slug }), details: what, ...seen }
  }

  /** Of what has, or had, its home elsewhere. */
  #elsewhere(owner: PeerId): Pick<Entry, 'via' | 'node' | 'elsewhere'> | undefined {
    const { read, self } = this.#parts
    return owner === self ? undefined : { via: 'seen', node: read.nodeId(owner) ?? owner, elsewhere: owner }
  }
}

function textOf(fact: unknown): string | undefined {
  return fact === undefined ? undefined : canonicalJson(fact)
}

/** Of what the framework of a door refuses by itself. */
function codeOf(error: unknown): 'malformed' | undefined {
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? 'malformed' : undefined
}

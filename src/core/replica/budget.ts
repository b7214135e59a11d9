/**
 * How much memory the copies of all other documents may take: what each costs, what is left, what is left for owners of whom no
 * word was ever heard. Costs are estimates of heap, since the bytes of a document on its way say little: 5 MB of many small entries
 * become 100 MB and more of Yjs items, index, and records.
 */
import type { PeerId } from '../model/model.js'

/** Bytes of heap, measured on Node 22 from the whole registry, of its dearest kind of entry: an instance. */
const cost_bytes = { document: 16 * 1024, entry: 1400, byte: 2, struct: 200 } as const
/** The share for owners of whom no word was ever heard: whoever makes owners up takes nothing from those who live. */
const unheardShare = 1 / 4
/** What is held may grow a little beyond the budget: a change of status must not end a copy. */
const growth = 1 / 16

/** What a document is made of. */
export interface Size {
  readonly entries: number
  /** Of their keys and values. */
  readonly bytes: number
  /** Live entries, and runs of tombstones. */
  readonly structs: number
}

export function costOf({ entries, bytes, structs }: Size): number {
  const { document, entry, byte, struct } = cost_bytes
  return document + entry * entries + byte * bytes + struct * Math.max(0, structs - entries)
}

/** A byte of content becomes so many of heap at the most; few bytes for many structs are tombstones. */
const heapOfContent = 25

/** The most that content can cost, before anybody reads it: each struct may be an entry. */
export function costOfContent(content: Uint8Array): number {
  const { document, entry, byte } = cost_bytes
  const entries_bytes = Math.min(entry * structsSaid(content), heapOfContent * content.length)
  return document + entries_bytes + byte * content.length
}

/** A Yjs update begins with the number of its clients, then that of the structs of the first; whoever says less is found out when it is read. */
export function structsSaid(content: Uint8Array): number {
  let at = 0
  const uint = (): number => {
    for (let number = 0, factor = 1; at < content.length; factor *= 128) {
      const byte = content[at++] as number
      number += (byte & 127) * factor
      if (byte < 128) return number
    }
    return 0
  }
  return uint() === 0 ? 0 : Math.min(uint(), content.length)
}

interface Taken {
  readonly cost_bytes: number
  isHeardOf: boolean
}

export class Budget {
  readonly #limit_bytes: number
  readonly #taken = new Map<PeerId, Taken>()
  readonly #unheard = new Set<PeerId>()
  #used_bytes = 0
  #unheard_bytes = 0

  constructor(limit_bytes: number) {
    this.#limit_bytes = limit_bytes
  }

  get used_bytes(): number {
    return this.#used_bytes
  }

  /** What is held of an owner costs this. */
  costOf(owner: PeerId): number {
    return this.#taken.get(owner)?.cost_bytes ?? 0
  }

  /** Owners of whom no word was heard, as far as is known here. */
  get unheard(): ReadonlySet<PeerId> {
    return this.#unheard
  }

  /** Whether a document of this cost has room, in place of what is held of its owner. */
  fits(owner: PeerId, cost_bytes: number, isHeardOf: boolean): boolean {
    const held = this.#taken.get(owner)
    const used_bytes = this.#used_bytes - (held?.cost_bytes ?? 0) + cost_bytes
    if (used_bytes > this.#limit_bytes) return false
    const unheard_bytes = this.#unheard_bytes - (held?.isHeardOf === false ? held.cost_bytes : 0) + cost_bytes
    return isHeardOf || unheard_bytes <= this.#limit_bytes * unheardShare
  }

  /** Whether what is held may grow by so much. */
  mayGrow(by_bytes: number, isHeardOf: boolean): boolean {
    const isWithin = this.#used_bytes + by_bytes <= this.#limit_bytes * (1 + growth)
    return isWithin && (isHeardOf || this.#unheard_bytes + by_bytes <= this.#limit_bytes * unheardShare * (1 + growth))
  }

  /** A document is held now, or another version of it. */
  take(owner: PeerId, cost_bytes: number, isHeardOf: boolean): void {
    this.free(owner)
    this.#taken.set(owner, { cost_bytes, isHeardOf })
    this.#used_bytes += cost_bytes
    if (isHeardOf) return
    this.#unheard.add(owner)
    this.#unheard_bytes += cost_bytes
  }

  free(owner: PeerId): void {
    const taken = this.#taken.get(owner)
    if (taken === undefined) return
    this.heardOf(owner)
    this.#used_bytes -= taken.cost_bytes
    this.#taken.delete(owner)
  }

  /** A word of it has come. */
  heardOf(owner: PeerId): void {
    const taken = this.#taken.get(owner)
    if (taken === undefined || taken.isHeardOf) return
    taken.isHeardOf = true
    this.#unheard.delete(owner)
    this.#unheard_bytes -= taken.cost_bytes
  }
}

/**
 * Registration numbers of which nothing is left to be seen: somebody may still remove what he saw of them, or come back with it, so
 * that none is given twice, to whatever start of this daemon.
 *
 *     b ends its first one, of number 1    floor in its node record: 65, in that commit   an id that nobody knows gets 2, at each node
 *     b ends others, of 2 to 65            nothing is written                             2, but what b has ended in this run: more
 *     b starts again                       129: what it ended, and did not write, is lost  66
 *
 * All go by the floors of all: whoever registers an id that nobody knows gets the same number for it at each node, so that of two who
 * knew nothing of each other the later one counts, and not the one whose node has ended more.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { Change, EntryMaps } from '../document/entries.js'
import type { PeerId } from '../model/model.js'
import { nodeKey, nodeRecordOf } from './kinds.js'
import { floorStep } from './numbers.js'
import type { Records } from './records.js'

/** Dropped instances that are remembered one by one. */
const droppedKept = 10_000

/** A member may have driven the numbers of one id up beyond all reason: those are remembered one by one alone. */
const floorJump = 2 ** 20

export class UsedNumbers {
  readonly #records: Records
  /** In this run, by id. */
  readonly #dropped = new BoundedMap<string, number>(droppedKept)
  /** Of these the ones that ended here: another line of our own may still have them. */
  readonly #ended = new BoundedMap<string, number>(droppedKept)
  /** The highest that the floor must reach. */
  #highest = 0
  #hasBegun = false

  constructor(records: Records) {
    this.#records = records
  }

  /** Nobody has got a higher one for this id, as far as there is nothing to be seen of it. */
  upTo(id: string): number {
    return Math.max(this.#dropped.get(id) ?? 0, this.base)
  }

  /** The same for an id that was never here. */
  get base(): number {
    let floor = 0
    for (const node of this.#records.union.nodes().values()) floor = Math.max(floor, node.floor ?? 0)
    return Math.max(0, floor - floorStep)
  }

  /** The first commit of a start: what the runs before have noted in their heads is gone. */
  begin(): void {
    this.#hasBegun = true
    this.#raise(Math.max(this.#ownFloor(), this.#highest))
  }

  /** What had this number here goes, and there is to be no removal. */
  keep(id: string, n: number): void {
    this.#dropped.set(id, n)
    this.#ended.set(id, n)
    if (n - Math.max(this.#highest, this.#ownFloor()) > floorJump) return
    this.#highest = Math.max(this.#highest, n)
    if (this.#hasBegun && this.#ownFloor() < n) this.#raise(n)
  }

  /** The number with which an id ended here, of which there is nothing to be seen; 0 for none. */
  endedWith(id: string): number {
    return this.#ended.get(id) ?? 0
  }

  /** Whoever is forgotten may come back with these: what is registered here from now on exceeds them. */
  noteAll(owner: PeerId, dropped: readonly Change[]): void {
    for (const { map, key: id } of dropped) {
      if (map !== 'instances') continue
      const record = this.#records.union.records(id).get(owner)
      if (record !== undefined && record.n > (this.#dropped.get(id) ?? 0)) this.#dropped.set(id, record.n)
    }
  }

  /** Who forgets it says so to all, after whatever starts: in the commit of the fence. */
  exceedAll(owner: PeerId, forgotten: EntryMaps): void {
    const { union } = this.#records
    let used = nodeRecordOf(forgotten)?.floor ?? 0
    for (const id of forgotten.of('instances').keys()) used = Math.max(used, union.records(id).get(owner)?.n ?? 0)
    if (used > this.base && used - this.base <= floorJump) this.#raise(used)
  }

  #ownFloor(): number {
    return this.#records.own('node', nodeKey)?.floor ?? 0
  }

  #raise(used: number): void {
    const node = this.#records.own('node', nodeKey)
    if (node !== undefined && used > 0) this.#records.stage('node', nodeKey, { ...node, floor: used + floorStep })
  }
}

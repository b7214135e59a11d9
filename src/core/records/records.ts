/**
 * All entries as this daemon knows them: the union of all documents, in which its own stands as the next commit will have it.
 * What is staged counts at once, since a command reads what the one before it staged.
 */
import type { Change, Entries, EntryMaps, MapName } from '../document/entries.js'
import { changeOf, mapNames } from '../document/entries.js'
import type { PeerId } from '../model/model.js'
import type { Signatures } from '../wire/head.js'
import { type Values, writeEntry } from './kinds.js'
import { type Touched, Union, isUntouched, nothingTouched } from './union.js'

export class Records {
  readonly self: PeerId
  readonly union: Union
  /** The own document, without what is staged. */
  #base: Entries
  readonly #staged = new Map<string, Change>()
  #stagedBytes = 0
  /** What changed since the followers last looked. */
  #touched: Touched = nothingTouched()

  /** @param base the entries of the own document */
  constructor(self: PeerId, base: Entries, signatures: Signatures) {
    this.self = self
    this.#base = base
    this.union = new Union(signatures)
  }

  // ---- following

  /** Entries of some document have changed. */
  follow(owner: PeerId, changes: readonly Change[]): void {
    this.union.apply(owner, changes, this.#touched)
  }

  /** What changed since the last call. */
  takeTouched(): Touched {
    const touched = this.#touched
    if (isUntouched(touched)) return touched // after most inputs; four sets for each of them would be much
    this.#touched = nothingTouched()
    return touched
  }

  // ---- the own document, as the next commit will have it

  /** How many entries there are, staged ones included; at the most. */
  get size(): number {
    return this.#base.size + this.#staged.size
  }

  get bytes(): number {
    return this.#base.bytes + this.#stagedBytes
  }

  get isStaged(): boolean {
    return this.#staged.size > 0
  }

  staged(): readonly Change[] {
    return [...this.#staged.values()]
  }

  text(map: MapName, key: string): string | undefined {
    const staged = this.#staged.get(`${map}/${key}`)
    return staged === undefined ? this.#base.get(map, key) : staged.after
  }

  /** The union has read it when it was staged, or came with the document: every write and every check asks. */
  own<M extends MapName>(map: M, key: string): Values[M] | undefined {
    return this.union.value(map, key, this.self)
  }

  ownKeys(map: MapName): string[] {
    const keys = new Set(this.#base.of(map).keys())
    for (const change of this.#staged.values()) {
      if (change.map !== map) continue
      if (change.after === undefined) keys.delete(change.key)
      else keys.add(change.key)
    }
    return [...keys]
  }

  ownEntries(): EntryMaps {
    const maps = new Map(
      mapNames.map((map) => [map, new Map(this.ownKeys(map).map((key) => [key, this.text(map, key) as string]))]),
    )
    return { of: (map) => maps.get(map) as Map<string, string> }
  }

  /** Stages an entry; without a value it goes. An equal one stages nothing. */
  stage<M extends MapName>(map: M, key: string, value: Values[M] | undefined): void {
    this.stageText(map, key, writeEntry(map, value))
  }

  stageText(map: MapName, key: string, after: string | undefined): void {
    const before = this.text(map, key)
    if (before === after) return
    const change = changeOf(map, key, before, after)
    this.#staged.set(`${map}/${key}`, change)
    this.#stagedBytes += key.length + (after?.length ?? 0)
    this.follow(this.self, [change])
  }

  /** What is staged, each as a change of the document; from now on that is what it says. */
  takeStaged(): Change[] {
    const changes = [...this.#staged.values()].map(({ map, key, after }) =>
      changeOf(map, key, this.#base.get(map, key), after),
    )
    this.#dropStaged()
    return changes.filter(({ before, after }) => before !== after)
  }

  #dropStaged(): void {
    this.#staged.clear()
    this.#stagedBytes = 0
  }

  /** From now on the own document is another one, and nothing is staged. */
  rebase(base: Entries, changes: readonly Change[]): void {
    this.follow(this.self, changes)
    this.#dropStaged()
    this.#base = base
  }
}

/**
 * What this daemon has written since a version of its document, as far back as anybody may be expected to have gone on from one: what
 * another document of ours lacks that has gone on from there.
 *
 *     here        5 ── 6 x ends ── 7 y ──┐ 8 y ── 9 z       its copy has gone on from 6, and holds nothing of y and z: both are written
 *     its copy    └─ 5' v ───────────────┘                  again over what it holds. It has v, which came from it, and x has ended there,
 *                 └─── from 6: 7' w                         too; whatever it has made of these since is a later act
 *
 * What is taken over from another document is written by nobody here; what is left of ours over it is as old as it was.
 */
import { type Change, type EntryMaps, type MapName, changeOf, differences, mapNames } from '../document/entries.js'
import type { Origin } from '../wire/head.js'

/** Beyond these the oldest goes: what was changed so often meanwhile is merged, entry by entry. */
const kept = { changes: 4096, characters: 2 * 1024 * 1024 } as const

/** Another document of ours is taken over. */
export interface TakenOver {
  readonly at: Origin
  /** As it stands there, and with what of ours was written again over it. */
  readonly beneath: EntryMaps
  readonly over: EntryMaps
}

/** What stood there before, by `map/key`; undefined for nothing. */
type Before = ReadonlyMap<string, string | undefined>

interface Step {
  /** The version that it led to. */
  readonly version: number
  readonly written: Before
  /** Where another document was taken over: which, and what of ours stayed over it. */
  readonly takenOver?: Origin
  readonly stayed: Before
}

export class Written {
  #steps: Step[] = []
  #changes = 0
  #characters = 0
  /** The first version that was noted; undefined before there is one. */
  #first: number | undefined
  /** The first one of which all that came later is here. */
  #from = 0

  /** The next version is the first one. */
  clear(): void {
    this.#steps = []
    this.#changes = 0
    this.#characters = 0
    this.#first = undefined
  }

  /**
   * These changes lead to the next version.
   * @param takenOver in this one
   */
  note(version: number, changes: readonly Change[], takenOver?: TakenOver): void {
    if (this.#first === undefined) this.#first = this.#from = version
    else this.#keep(takenOver === undefined ? stepOf(version, changes) : stepOver(version, changes, takenOver))
  }

  #keep(step: Step): void {
    this.#steps.push(step)
    this.#count(step, 1)
    while (this.#changes > kept.changes || this.#characters > kept.characters) this.#dropOldest()
  }

  #dropOldest(): void {
    const oldest = this.#steps.shift()
    if (oldest === undefined) return
    this.#count(oldest, -1)
    this.#from = oldest.version
  }

  #count({ written, stayed }: Step, by: 1 | -1): void {
    this.#changes += by * (written.size + stayed.size)
    for (const [name, text = ''] of [...written, ...stayed]) this.#characters += by * (name.length + text.length)
  }

  /** Whether it is one of those that were noted. */
  has(version: number): boolean {
    return this.#first !== undefined && version >= this.#first
  }

  /** The documents that were taken over since; undefined where too much was changed to know. */
  takenOverSince(version: number): Origin[] | undefined {
    if (version < this.#from) return undefined
    return this.#steps.flatMap(({ version: led, takenOver }) =>
      led > version && takenOver !== undefined ? [takenOver] : [],
    )
  }

  /**
   * What was written since a version that is here, each entry from what stood there before: at first, or in the document that was taken
   * over last, since whoever has gone on from both has seen both.
   * @param now what stands there by now
   * @param staged what of that is in no version yet
   */
  since(version: number, now: EntryMaps, staged: readonly Change[]): Change[] {
    const before = new Map<string, string | undefined>(staged.map((change) => [nameOf(change), change.before]))
    const beneath = new Map<string, string | undefined>()
    /** What else may have been written before the document was taken over. */
    let stayedOn: ReadonlySet<string> | undefined
    for (const { version: led, written, takenOver, stayed } of this.#steps.toReversed()) {
      if (led <= version) break
      for (const [name, text] of written)
        if (stayedOn?.has(name) !== false) before.set(name, beneath.has(name) ? beneath.get(name) : text)
      if (takenOver === undefined) continue
      const stayedHere = [...stayed].filter(([name]) => stayedOn?.has(name) !== false)
      for (const [name, text] of stayedHere) {
        if (!beneath.has(name)) beneath.set(name, text)
        if (before.has(name)) before.set(name, beneath.get(name))
      }
      stayedOn = new Set(stayedHere.flatMap(([name]) => (before.has(name) ? [] : [name])))
    }
    return mapNames.flatMap((map) => [...before].flatMap(([name, text]) => changed(map, name, text, now)))
  }
}

function stepOf(version: number, changes: readonly Change[]): Step {
  return { version, written: new Map(changes.map((change) => [nameOf(change), change.before])), stayed: new Map() }
}

/** What is written again is no later act than it was. */
function stepOver(version: number, changes: readonly Change[], { at, beneath, over }: TakenOver): Step {
  const since = changes.flatMap(({ map, key, after }) => {
    const before = over.of(map).get(key)
    return before === after ? [] : [changeOf(map, key, before, after)]
  })
  const stayed = differences(beneath, over).map((change) => [nameOf(change), change.before] as const)
  return { ...stepOf(version, since), takenOver: at, stayed: new Map(stayed) }
}

function nameOf({ map, key }: Pick<Change, 'map' | 'key'>): string {
  return `${map}/${key}`
}

function changed(map: MapName, name: string, before: string | undefined, now: EntryMaps): Change[] {
  if (!name.startsWith(`${map}/`)) return []
  const key = name.slice(map.length + 1)
  const after = now.of(map).get(key)
  return before === after ? [] : [changeOf(map, key, before, after)]
}

/**
 * The content of a large document, built from its entries a part at a time: to sort them is work for all of them, as it is to write them.
 */
import { Content } from './content.js'
import { type Entry, type EntryMaps, mapNames } from './entries.js'

/** So many keys are sorted, merged or written at a time, and written no more than so many bytes: a few milliseconds each. */
const atOnce = { sorted: 2000, merged: 5000, written: 250, bytes: 256 * 1024 } as const

/** The same content as `Content.build` makes of sorted entries. */
export function* building(entries: EntryMaps, client: number): Generator<void, Content> {
  const content = new Content(client)
  for (const map of mapNames) {
    const values = entries.of(map)
    const keys = yield* sorted([...values.keys()])
    for (let at = 0; at < keys.length;) {
      const some: Entry[] = []
      for (let bytes = 0; at < keys.length && some.length < atOnce.written && bytes < atOnce.bytes; at += 1) {
        const key = keys[at] as string
        const value = values.get(key) as string
        some.push({ map, key, value })
        bytes += key.length + value.length
      }
      content.add(some)
      yield
    }
  }
  return content
}

/** As `sort` does, in UTF-16 order. */
function* sorted(keys: readonly string[]): Generator<void, readonly string[]> {
  let runs: (readonly string[])[] = []
  for (let at = 0; at < keys.length; at += atOnce.sorted) {
    runs.push(keys.slice(at, at + atOnce.sorted).sort())
    yield
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = []
    for (let i = 0; i < runs.length; i += 2) merged.push(yield* mergedOf(runs[i] ?? [], runs[i + 1] ?? []))
    runs = merged
  }
  return runs[0] ?? []
}

function* mergedOf(a: readonly string[], b: readonly string[]): Generator<void, readonly string[]> {
  const merged: string[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const isOfA = j === b.length || (i < a.length && (a[i] as string) < (b[j] as string))
    merged.push((isOfA ? a[i++] : b[j++]) as string)
    if (merged.length % atOnce.merged === 0) yield
  }
  return merged
}

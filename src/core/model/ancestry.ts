/**
 * What a document says of the starts that it has come through: which earlier documents of its owner are part of it. One point is
 * not an ancestry, since heads are only ordered:
 *
 *     held at b     s1:5 ─── s1:20                       s2 and s3 were started alone, from a backup as of s1:5. In order s3 is
 *     restored           └── s2:8 ─── s3:11              after s2, and s2 after s1:20, which is part of neither
 *
 * A start (its boot id) is one process: its heads are part of each other, and of whatever continues the last of them that was
 * continued. So `s1:5` covers all of s1 up to version 5, and nothing else.
 */

/** The last version of a start that is part of a document. */
export interface Ancestor {
  /** 16 hex digits. */
  readonly boot: string
  readonly version: number
}

export interface Ancestry {
  /** Latest last. */
  readonly points: readonly Ancestor[]
  /** Written by an earlier version of this program, which told nothing: up to here order counts for ancestry. */
  readonly since?: Place
}

/** A place in the order of one owner's heads. */
interface Place {
  readonly generation: number
  readonly version: number
}

/** A head, as far as its place is concerned. */
type Placed = Place & Ancestor

/** How many points a document tells: the last that others may hold. Who holds an earlier one gives it back to its owner. */
export const toldPoints = 8

/** Whether a head is one of those that this is made of. */
export function covers({ points, since }: Ancestry, head: Placed): boolean {
  if (points.some(({ boot, version }) => boot === head.boot && version >= head.version)) return true
  return since !== undefined && !isAfter(head, since)
}

export function isAfter(one: Place, other: Place): boolean {
  return one.generation > other.generation || (one.generation === other.generation && one.version > other.version)
}

/** As it stands in a node record: `{"points":[["0123456789abcdef",7]],"since":[3,5]}`. */
export function readAncestry(value: unknown): Ancestry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { points, since } = value as { readonly points?: unknown; readonly since?: unknown }
  if (!Array.isArray(points)) return undefined
  const read = points.slice(0, toldPoints).flatMap((point: unknown) => readPoint(point) ?? [])
  const place = readPlace(since)
  return { points: read, ...(place && { since: place }) }
}

function readPoint(point: unknown): Ancestor | undefined {
  const [boot, version] = Array.isArray(point) ? (point as unknown[]) : []
  return typeof boot === 'string' && /^[0-9a-f]{16}$/.test(boot) && isNumber(version) ? { boot, version } : undefined
}

export function readPlace(place: unknown): Place | undefined {
  const [generation, version] = Array.isArray(place) ? (place as unknown[]) : []
  return isNumber(generation) && isNumber(version) ? { generation, version } : undefined
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** What `readAncestry` reads. */
export function tellAncestry({ points, since }: Ancestry): unknown {
  return {
    points: points.map(({ boot, version }) => [boot, version]),
    ...(since && { since: [since.generation, since.version] }),
  }
}

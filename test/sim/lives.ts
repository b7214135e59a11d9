// Lives of random clusters, one for each seed, and what must be true of each cluster at rest.
import { expect } from 'vitest'
import { Content } from '../../src/core/document/content.js'
import { History } from './history.js'
import type { World } from './world.js'

/** How many lives a run leads. */
export const seeds = Number(process.env['SIM_SEEDS'] ?? 24)
const firstSeed = Number(process.env['SIM_FIRST_SEED'] ?? 1)

export interface Life {
  /** @returns what is wrong in the end, a line each */
  readonly live: () => string[]
  /** The end of its trace. */
  readonly story: () => string
}

/** Leads a life for each seed. The failure lists every seed that failed, and the end of the first one's trace. */
export function forEachSeed(count: number, begin: (seed: number) => Life): void {
  const failures: string[] = []
  let story = ''
  for (let seed = firstSeed; seed < firstSeed + count && failures.length < 10; seed++) {
    const life = begin(seed)
    const wrong = tryToLive(life)
    if (wrong.length === 0) continue
    if (story === '') story = life.story()
    failures.push(`seed ${seed}: ${wrong.slice(0, 8).join('; ')}`)
  }
  if (failures.length > 0) throw new Error(`${failures.join('\n')}\n${story}`)
}

function tryToLive({ live }: Life): string[] {
  try {
    return live()
  } catch (error) {
    return [
      String(error).split('\n')[0] ?? '',
      error instanceof Error ? (error.stack?.match(/src.core.*/)?.[0] ?? '') : '',
    ]
  }
}

/** The same for random histories. */
export function forSeeds(count: number, run: (history: History) => string[], wild = false): void {
  forEachSeed(count, (seed) => {
    const history = new History(seed, wild)
    const { world } = history
    return { live: () => run(history), story: () => `${world.story(40)}\n${world.states()}` }
  })
}

/** What is wrong with a cluster at rest; one line each. */
export function check(history: History): string[] {
  const { world } = history
  const wrong = [...(history.wild ? [] : history.contradictions()), ...grown(world), ...history.spoken.wrong]
  if (world.digests().size !== 1) wrong.push('replicas differ')
  if (viewsOf(world).size !== 1) wrong.push('views differ')
  return wrong
}

/** What each daemon shows, as text: equal documents and equal beliefs must be equal views. */
function viewsOf(world: World): Set<string> {
  return new Set(
    world.running().map(({ name, live }) => {
      const at = world.moment(name)
      const instances = live.read.instances(at).map(({ lastHeartbeat: _, ...rest }) => rest)
      const slugs = new Set(instances.map(({ slug }) => slug ?? ''))
      const looked = [...slugs].sort().map((slug) => {
        const { instances: found, degraded } = live.read.lookup(slug, at)
        expect(found.map(({ id }) => id).sort()).toEqual(
          instances
            .filter((one) => one.slug === slug)
            .map(({ id }) => id)
            .sort(),
        )
        return [slug, degraded]
      })
      return JSON.stringify([instances, live.read.definitions(), looked])
    }),
  )
}

/** Documents, on disk, beyond twice what a fresh build of their entries takes; and questions that were never closed. */
function grown(world: World): string[] {
  const wrong: string[] = []
  for (const { name, disk } of world.running()) {
    for (const owner of world.machines.keys()) {
      const entries = disk.entriesOf(owner)
      const bytes = disk.contentBytes(owner)
      const fresh = Content.build(entries, 1).encode().length
      if (bytes > 2 * fresh + 300_000) wrong.push(`${name} holds ${bytes} bytes of ${owner}, fresh ${fresh}`)
    }
  }
  if (world.wires.openRequests > 50) wrong.push(`${world.wires.openRequests} open requests`)
  return wrong
}

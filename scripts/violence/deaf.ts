// A disk that never answers, in virtual time: what was acknowledged before is there after the next start, and what it was given is not acknowledged.
import type { Answer } from '../../test/sim/engine.js'
import { World } from '../../test/sim/world.js'

const names = ['a', 'b', 'c'] as const
/** How long it never answers, at most. */
const deaf_ms = 20_000

/** @returns how many writes were acknowledged before; and what is wrong, a line each */
export function deafen(seed: number): { readonly acknowledged: number; readonly broken: readonly string[] } {
  const world = new World({ seed })
  world.startAll(...names)
  world.until(() => world.running().every(({ live }) => live.readiness().ready), 60_000, 'readiness')
  const asked = new Map<string, Answer>()
  const write = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const id = `i${asked.size}`
      const registration = { id, slug: 's', url: `http://${id}.test`, check: 'none' }
      asked.set(id, world.register('a', registration as never))
      world.run(world.random.below(400))
    }
  }
  write(1 + world.random.below(10))
  const { disk } = world.machine('a')
  disk.failure = 'deaf'
  write(1 + world.random.below(10))
  world.run(world.random.below(deaf_ms))
  world.crash('a')
  disk.failure = undefined
  world.start('a')
  world.run(20_000)
  const acknowledged = [...asked].filter(([, { result }]) => result?.ok === true).map(([id]) => id)
  const broken = names.flatMap((name) => {
    const shown = new Set(world.instances(name))
    return acknowledged.filter((id) => !shown.has(id)).map((id) => `deaf, seed ${seed}: ${id} is lost at ${name}`)
  })
  if (world.digests().size !== 1) broken.push(`deaf, seed ${seed}: the three do not hold the same`)
  return { acknowledged: acknowledged.length, broken }
}

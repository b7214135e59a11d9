// Properties over many seeds: whatever happened, after rest all replicas are equal, what was acknowledged stands, and nothing has grown.
import { test } from 'vitest'
import type { History } from './history.js'
import { check, forSeeds, seeds } from './lives.js'

test(`after rest, ${seeds} random lives agree on all that was acknowledged`, { timeout: 3_600_000 }, () => {
  forSeeds(seeds, (history) => {
    history.live(60)
    history.rest()
    return check(history)
  })
})

test(`${Math.ceil(seeds / 2)} wild lives end in agreement`, { timeout: 3_600_000 }, () => {
  const run = (history: History): string[] => {
    history.live(60)
    history.rest()
    return check(history)
  }
  forSeeds(Math.ceil(seeds / 2), run, true)
})

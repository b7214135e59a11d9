// The property that users of such registries miss most: what was removed does not come back, and what stands stays.
import { test } from 'vitest'
import { check, forSeeds, seeds } from './lives.js'

test(
  `what stands and what was removed stays so through ${Math.ceil(seeds / 2)} random lives`,
  { timeout: 3_600_000 },
  () => {
    forSeeds(Math.ceil(seeds / 2), (history) => {
      history.live(25)
      history.rest()
      const expected = history.calmly()
      history.live(25, false)
      history.rest()
      const now = history.shown()
      const ids = new Set([...expected.keys(), ...now.keys()])
      const changed = [...ids].filter((id) => expected.get(id) !== now.get(id))
      return [...check(history), ...changed.map((id) => `${id} was ${expected.get(id)}, is ${now.get(id)}`)]
    })
  },
)
